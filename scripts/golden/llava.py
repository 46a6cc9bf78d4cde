#!/usr/bin/env python3
"""Golden cases of LLaVA, from transformers.

    llava.py --out tests/models/data                      the committed cases
    llava.py --out DIR --seed N --cases K                 K random cases

A case is DIR/llava/NAME/ with the reference's own files and io/io.safetensors; tests/models/reference.h says
what that holds. The original layout (LlavaLlamaForCausalLM) is written from transformers' CLIPVisionModel and
LlamaForCausalLM, joined as the original code joins them. Some cases have an adapter of peft, with whole weights beside it.
"""
import argparse
import json
import pathlib
import random
import shutil

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

from make_clip_llama import (PLAIN, draw_llama, draw_storage, draw_vision, randomise, save_reference, sort_targets,
                             write_io)

PICTURE = -200


def old_prefixes(name):
    """transformers 5's names in the files that transformers before 4.52 wrote."""
    if name.startswith("lm_head."):
        return "language_model." + name
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        return "language_model.model." + name.removeprefix("language_model.")
    if name.startswith("vision_tower.") and not name.startswith("vision_tower.vision_model."):
        return "vision_tower.vision_model." + name.removeprefix("vision_tower.")
    return name


def middle_prefixes(name):
    """As LlavaModel without its head in front: no leading `model.`."""
    return name.removeprefix("model.")


def new_prefixes(name):
    return name


PREFIXES = {"old": old_prefixes, "middle": middle_prefixes, "new": new_prefixes}


def rename_files(folder, rename):
    weights = {}
    for path in sorted(folder.glob("*.safetensors")):
        weights.update(load_file(path))
        path.unlink()
    for path in folder.glob("*.index.json"):
        path.unlink()
    weights = {rename(canonical(k)): v.contiguous() for k, v in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return set(weights)


def canonical(key):
    """Any layout that save_pretrained writes -> the names of the module."""
    if key.startswith("language_model.lm_head"):
        return key.removeprefix("language_model.")
    if key.startswith("language_model.model."):
        return "model.language_model." + key.removeprefix("language_model.model.")
    for part in ("language_model.", "vision_tower.", "multi_modal_projector."):
        if key.startswith(part):
            key = "model." + key
    return key.replace("model.vision_tower.vision_model.", "model.vision_tower.")


def thin(config, defaults):
    """Without the fields that equal the reference class's defaults."""
    return {k: v for k, v in config.items() if k == "model_type" or k not in defaults or defaults[k] != v}


def add_adapter(model, lora, folder, rename, generator):
    """Wraps the model and writes folder/adapter, its keys renamed; returns the wrapped model."""
    adapted = peft.get_peft_model(model, peft.LoraConfig(**lora)).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if ".lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
            elif ".modules_to_save." in name:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
            parameter.requires_grad_(True)
    adapted.save_pretrained(folder / "adapter")
    sort_targets(folder / "adapter" / "adapter_config.json")
    path = folder / "adapter" / "adapter_model.safetensors"
    save_file({adapter_key(key, rename): value for key, value in load_file(path).items()}, path, {"format": "pt"})
    return adapted


def adapter_key(name, rename):
    head = "base_model.model."
    return head + rename(name.removeprefix(head).replace(".default", ""))


def adapted_key(name, rename, base_key):
    """Key of a parameter of a wrapped model: that of the adapter's file or that of the base's."""
    if ".original_module." in name:
        return None
    if ".lora_" in name or ".modules_to_save." in name:
        return adapter_key(name.replace(".modules_to_save", ""), rename)
    return base_key(name.removeprefix("base_model.model.").replace(".base_layer", ""))


def hf_case(folder, draw, rng, generator):
    text = transformers.LlamaConfig(**draw["llama"])
    vision = transformers.CLIPVisionConfig(**draw["vision"])
    image_token = draw["llama"]["vocab_size"] - 1
    config = transformers.LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token,
        projector_hidden_act=draw["act"], vision_feature_select_strategy=draw["strategy"],
        vision_feature_layer=draw["layer"], multimodal_projector_bias=draw["bias"],
        tie_word_embeddings=draw["llama"].get("tie_word_embeddings", False))
    model = transformers.LlavaForConditionalGeneration(config).eval()
    randomise(model, generator)
    model = save_reference(model, folder, draw["storage"])
    keys = rename_files(folder, PREFIXES[draw["prefix"]])
    path = folder / "config.json"
    saved = json.loads(path.read_text())
    saved["text_config"] = thin(saved["text_config"], transformers.LlamaConfig().to_dict())
    saved["vision_config"] = thin(saved["vision_config"], transformers.CLIPVisionConfig().to_dict())
    path.write_text(json.dumps(saved, indent=1))

    rename = PREFIXES[draw["prefix"]]
    if draw.get("lora"):
        model = add_adapter(model, draw["lora"], folder, rename, generator)

    features = (vision.image_size // vision.patch_size) ** 2 + (draw["strategy"] == "full")
    batch, pictures = rng.randint(1, 3), rng.randint(1, 2)
    length = pictures * features + rng.randint(3, 7)
    ids = torch.randint(0, image_token, (batch, length), generator=generator)
    mask = torch.ones(batch, length, dtype=torch.long)
    may_attend = torch.ones(batch, length)
    for row in range(batch):
        pad = rng.randint(0, 2)
        places = torch.tensor(sorted(rng.sample(range(2, length - 1), pictures * features)), dtype=torch.long) \
            if pictures * features <= length - 3 else torch.arange(2, 2 + pictures * features)
        ids[row, places] = image_token
        if draw["padding"] == "right":
            mask[row, length - pad:] = 0
        elif draw["padding"] == "left":
            mask[row, :pad] = 0
            may_attend[row, :pad] = 0
    pixels = torch.randn(batch * pictures, vision.num_channels, vision.image_size, vision.image_size,
                         generator=generator).requires_grad_()
    arguments = {"input_ids": ids, "pixel_values": pixels}
    if draw["padding"]:
        arguments["attention_mask"] = mask
    logits = model(**arguments).logits

    def base_key(name):
        key = rename(canonical(name))
        return key if key in keys else None

    def key_of(name):
        return adapted_key(name, rename, base_key) if draw.get("lora") else base_key(name)

    write_io(folder, model, key_of, arguments, {"logits": logits}, rng, generator, may_attend)


class Original(torch.nn.Module):
    """LlavaLlamaForCausalLM out of the parts of transformers."""

    def __init__(self, llama, tower, projector, select_layer, keep_class_token):
        super().__init__()
        self.llama, self.tower, self.projector = llama, tower, projector
        self.select_layer, self.keep_class_token = select_layer, keep_class_token

    def forward(self, input_ids, pixel_values, attention_mask=None):
        states = self.tower(pixel_values, output_hidden_states=True).hidden_states[self.select_layer]
        features = self.projector(states if self.keep_class_token else states[:, 1:])
        table = self.llama.get_input_embeddings()
        rows, next_picture = [], 0
        for b, row in enumerate(input_ids):
            if attention_mask is not None:
                row = row[attention_mask[b].bool()]
            pieces = []
            for token in row.tolist():
                if token == PICTURE:
                    pieces.append(features[next_picture])
                    next_picture += 1
                else:
                    pieces.append(table(torch.tensor([token])))
            rows.append(torch.cat(pieces))
        longest = max(len(row) for row in rows)
        embeddings = torch.stack([torch.nn.functional.pad(row, (0, 0, 0, longest - len(row))) for row in rows])
        mask = None
        if attention_mask is not None:
            mask = torch.stack([(torch.arange(longest) < len(row)).long() for row in rows])
        return self.llama(inputs_embeds=embeddings, attention_mask=mask).logits


def original_case(folder, draw, rng, generator):
    text = transformers.LlamaConfig(**draw["llama"])
    vision = transformers.CLIPVisionConfig(**draw["vision"])
    llama = transformers.LlamaForCausalLM(text).eval()
    tower = transformers.CLIPVisionModel(vision).eval()
    width = text.hidden_size
    if draw["projector"] == "linear":
        projector = torch.nn.Linear(vision.hidden_size, width)
    else:
        depth = int(draw["projector"][3])
        layers = [torch.nn.Linear(vision.hidden_size, width)]
        for _ in range(depth - 1):
            layers += [torch.nn.GELU(), torch.nn.Linear(width, width)]
        projector = torch.nn.Sequential(*layers)
    model = Original(llama, tower, projector, draw["layer"], draw["strategy"] == "full")
    randomise(model, generator)

    weights = dict(llama.state_dict())
    if text.tie_word_embeddings:
        weights.pop("lm_head.weight")
    weights.update({"model.mm_projector." + k: v for k, v in projector.state_dict().items()})
    tower_keys = {"vision_model." + k.removeprefix("vision_model."): v for k, v in tower.state_dict().items()
                  if not k.endswith("position_ids")}
    rope = dict(text.to_dict()["rope_parameters"])
    config = thin(text.to_dict(), transformers.LlamaConfig().to_dict())
    config.pop("rope_parameters", None)
    config["rope_theta"] = rope.pop("rope_theta")
    if "factor" in rope:
        rope["type"] = rope.pop("rope_type")
        config["rope_scaling"] = rope
    tower_folder = folder / "tower"
    tower.save_pretrained(tower_folder)
    if draw["inside"]:
        weights.update({"model.vision_tower.vision_tower." + k: v for k, v in tower_keys.items()})
        for path in tower_folder.glob("*.safetensors"):
            path.unlink()
    config.update({
        "model_type": "llava", "architectures": ["LlavaLlamaForCausalLM"], "mm_vision_tower": "tower",
        "mm_hidden_size": vision.hidden_size, "mm_vision_select_layer": draw["layer"],
        "mm_vision_select_feature": "cls_patch" if draw["strategy"] == "full" else "patch",
        "mm_projector_type": draw["projector"], "mm_use_im_start_end": rng.random() < 0.5,
        "mm_use_im_patch_token": False, "image_aspect_ratio": "pad"})
    if draw["projector"] == "linear" and rng.random() < 0.5:
        config.pop("mm_projector_type")
    config.pop("transformers_version", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    save_file({k: v.contiguous().clone() for k, v in weights.items()}, folder / "model.safetensors", {"format": "pt"})

    if draw.get("lora"):  # the original code trains the projector beside the adapter, and saves it so
        model.llama = add_adapter(llama, draw["lora"], folder, new_prefixes, generator)
        with torch.no_grad():
            for parameter in projector.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        torch.save({draw["trained"] + "model.mm_projector." + key: value for key, value in projector.state_dict().items()},
                   folder / "adapter" / "non_lora_trainables.bin")

    batch, length = rng.randint(1, 3), rng.randint(4, 9)
    ids = torch.randint(0, text.vocab_size, (batch, length), generator=generator)
    mask = torch.ones(batch, length, dtype=torch.long)
    pictures = 0
    for row in range(batch):
        count = rng.choice([1, 1, 2]) if draw["padding"] else 1
        for place in rng.sample(range(length - 1), count):
            ids[row, place] = PICTURE
        if draw["padding"] == "right":
            mask[row, length - rng.randint(0, 1):] = 0
        pictures += int((ids[row][mask[row].bool()] == PICTURE).sum())
    pixels = torch.randn(pictures, vision.num_channels, vision.image_size, vision.image_size,
                         generator=generator).requires_grad_()
    arguments = {"input_ids": ids, "pixel_values": pixels}
    if draw["padding"]:
        arguments["attention_mask"] = mask
    logits = model(**arguments)

    def key_of(name):
        part, rest = name.split(".", 1)
        if part == "llama":
            return adapted_key(rest, new_prefixes, lambda key: key) if draw.get("lora") else rest
        if part == "projector":
            return (draw["trained"] if draw.get("lora") else "") + "model.mm_projector." + rest
        return "model.vision_tower.vision_tower.vision_model." + rest.removeprefix("vision_model.") \
            if draw["inside"] else None

    write_io(folder, model, key_of, arguments, {"logits": logits}, rng, generator)


def draw_lora(rng, original):
    """Names of layers that both parts of the model have, and such as only the language model has."""
    targets = [["q_proj", "v_proj"], ["o_proj", "down_proj"]]
    if not original:
        targets += [r".*language_model.*\.(q_proj|gate_proj)", ["q_proj", "fc1", "linear_1"]]
    pattern = "down_proj" if original else rng.choice(["q_proj", r"layers\.0\.self_attn\.q_proj"])
    return {"r": rng.randint(1, 4), "lora_alpha": rng.choice([1, 8]), "target_modules": rng.choice(targets),
            "use_rslora": rng.random() < 0.3, "rank_pattern": {pattern: 5} if rng.random() < 0.5 else {},
            "modules_to_save": None if original or rng.random() < 0.5 else ["linear_2"]}


def draw_case(rng):
    llama, vision = draw_llama(rng), draw_vision(rng)
    layers = vision["num_hidden_layers"]
    original = rng.random() < 0.5
    layer = rng.choice([-2, -1, 1, layers])  # the reference takes no single 0
    if not original and rng.random() < 0.3:
        layer = [rng.randint(-layers - 1, layers) for _ in range(rng.randint(1, 3))]
    return {
        "original": original, "llama": llama, "vision": vision, "layer": layer, "storage": draw_storage(rng),
        "strategy": rng.choice(["default", "default", "full"]), "act": rng.choice(["gelu", "gelu", "relu", "silu"]),
        "bias": rng.random() < 0.8, "prefix": rng.choice(list(PREFIXES)),
        "padding": rng.choice([None, "right"] if original else [None, "left", "right"]),
        "projector": rng.choice(["linear", "mlp2x_gelu", "mlp3x_gelu"]), "inside": rng.random() < 0.5,
        "lora": draw_lora(rng, original) if rng.random() < 0.5 else None,
        "trained": rng.choice(["", "model.", "base_model.model."]),
    }


def committed_cases():
    llama = {"hidden_size": 12, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 16,
             "num_hidden_layers": 2, "vocab_size": 24, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}
    vision = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 12, "num_hidden_layers": 2,
              "projection_dim": 4, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "patch_size": 4,
              "image_size": 8, "num_channels": 3}
    base = {"original": False, "llama": llama, "vision": vision, "layer": -2, "storage": PLAIN, "strategy": "default",
            "act": "gelu", "bias": True, "prefix": "old", "padding": "left", "projector": "mlp2x_gelu", "inside": True}
    yield "hub-prefixes", base
    yield "new-prefixes-layers-tied", {
        **base, "prefix": "new", "layer": [0, -1], "strategy": "full", "bias": False, "padding": None,
        "llama": {**llama, "tie_word_embeddings": True}}
    yield "middle-prefixes", {**base, "prefix": "middle", "padding": "right", "layer": -1}
    yield "original-linear-own-tower", {**base, "original": True, "projector": "linear", "inside": False, "padding": None}
    yield "original-mlp-dumped-tower", {**base, "original": True, "padding": "right"}
    yield "adapter", {**base, "prefix": "new", "lora": {
        "r": 2, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"], "modules_to_save": ["linear_2"],
        "rank_pattern": {r"language_model\.layers\.0\.self_attn\.q_proj": 3}}}
    yield "original-adapter", {**base, "original": True, "padding": None, "trained": "base_model.model.", "lora": {
        "r": 3, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases; 0: the committed ones")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rng = random.Random(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    cases = committed_cases() if not args.cases else ((f"random-{i}", draw_case(rng)) for i in range(args.cases))
    for name, draw in cases:
        folder = args.out / "llava" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (original_case if draw["original"] else hf_case)(folder, draw, rng, generator)
        for extra in [*folder.rglob("README.md"), *folder.rglob("generation_config.json")]:
            extra.unlink()
        print("llava", name)


if __name__ == "__main__":
    main()
