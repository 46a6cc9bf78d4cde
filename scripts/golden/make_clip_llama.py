#!/usr/bin/env python3
"""Golden cases of the CLIP towers and of LLaMA, from transformers and peft.

    make_clip_llama.py --out tests/models/data                      the committed cases
    make_clip_llama.py --out DIR --seed N --cases K                 K random cases of each component

A case is DIR/COMPONENT/NAME/ with the reference's own files (config.json, weights, adapter/) and
io/io.safetensors; tests/models/reference.h says what that holds.
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

OUTPUT_SHARE = 0.6  # of the hidden states that get a cotangent
MAX_GRAD_PARAMS = 6
ROUNDING = 1e-5


def randomise(model, generator):
    """Weights large enough that every part matters; norms near one, biases not zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() >= 2 and "embed" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.5 * noise)


def save_reference(model, folder, storage):
    """Saves in the dtype and sharding of `storage`; returns the model as read back in fp32."""
    model.to(storage["dtype"]).save_pretrained(folder, max_shard_size=storage["shard"])
    return type(model).from_pretrained(folder, dtype=torch.float32).eval()


def draw_storage(rng):
    return {
        "dtype": rng.choice([torch.float32, torch.float32, torch.float16, torch.bfloat16]),
        "shard": rng.choice(["5GB", "5GB", "20KB"]),
    }


PLAIN = {"dtype": torch.float32, "shard": "5GB"}


def write_io(folder, model, key_of, arguments, outputs, rng, generator, may_attend=None):
    """Cotangents for the last outputs and some hidden states; gradients of arguments and some parameters.

    key_of: parameter name -> key in the weight files, None: not asked for. may_attend [B, T]: positions whose
    outputs mean something."""
    tensors = dict(arguments)
    for name, value in outputs.items():
        tensors[f"expect.{name}"] = value
    total = 0
    for name, value in outputs.items():
        if name.startswith("hidden_states.") and rng.random() > OUTPUT_SHARE:
            continue
        cotangent = torch.randn(value.shape, generator=generator)
        if may_attend is not None and value.dim() == 3:
            cotangent = cotangent * may_attend[..., None]
        tensors[f"cotangent.{name}"] = cotangent
        total = total + (cotangent * value).sum()
    total.backward()
    for name, value in arguments.items():
        if value.is_floating_point():
            tensors[f"expect.grad.{name}"] = value.grad
    # The gradient of a key bias is zero in exact arithmetic: nothing to compare relatively.
    named = [(n, p) for n, p in model.named_parameters() if key_of(n) and not n.endswith("k_proj.bias")]
    keys = []
    largest = max(p.grad.abs().max() for _, p in named if p.grad is not None)
    for name, parameter in rng.sample(named, min(MAX_GRAD_PARAMS, len(named))):
        gradient = parameter.grad
        if gradient is None or gradient.abs().max() < ROUNDING * largest:  # zero but for rounding
            continue
        keys.append(key_of(name))
        tensors[f"expect.grad.param.{key_of(name)}"] = gradient
    if may_attend is not None and not may_attend.all():
        tensors["compare_rows"] = may_attend.to(torch.uint8)
    (folder / "io").mkdir()
    tensors = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    save_file(tensors, folder / "io" / "io.safetensors", {"grad_params": ",".join(keys)})


def hidden(states):
    return {f"hidden_states.{i}": s for i, s in enumerate(states)}


def same_key(name):
    return name


def vision_case(folder, config, layout, storage, rng, generator):
    vision = transformers.CLIPVisionConfig(**config)
    if layout == "clip-model":
        whole = transformers.CLIPConfig(
            vision_config=vision.to_dict(),
            text_config={"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "vocab_size": 20,
                         "num_attention_heads": 2, "max_position_embeddings": 8},
            projection_dim=config["projection_dim"],
        )
        full = transformers.CLIPModel(whole).eval()
        randomise(full, generator)
        save_reference(full, folder, storage)
        model = transformers.CLIPVisionModelWithProjection.from_pretrained(folder, dtype=torch.float32).eval()
    else:
        model = transformers.CLIPVisionModelWithProjection(vision).eval()
        randomise(model, generator)
        model = save_reference(model, folder, storage)
    pixels = torch.randn(rng.randint(1, 3), vision.num_channels, vision.image_size, vision.image_size,
                         generator=generator).requires_grad_()
    out = model(pixels, output_hidden_states=True)
    outputs = {"last_hidden_state": out.last_hidden_state, "image_embeds": out.image_embeds}
    outputs.update(hidden(out.hidden_states))
    write_io(folder, model, same_key, {"pixel_values": pixels}, outputs, rng, generator)


def text_case(folder, config, layout, storage, rng, generator):
    text = transformers.CLIPTextConfig(**config)
    with_projection = layout == "projection"
    cls = transformers.CLIPTextModelWithProjection if with_projection else transformers.CLIPTextModel
    if layout == "prefixed":  # the keys are renamed below, an index would not follow
        storage = {**storage, "shard": PLAIN["shard"]}
    model = cls(text).eval()
    randomise(model, generator)
    model = save_reference(model, folder, storage)
    key_of = same_key
    if layout == "prefixed":  # as transformers 4 wrote CLIPTextModel
        for path in folder.glob("*.safetensors"):
            weights = {k if k.startswith("text_model.") else f"text_model.{k}": v
                       for k, v in load_file(path).items()}
            weights["text_model.embeddings.position_ids"] = torch.arange(text.max_position_embeddings)[None]
            save_file(weights, path, {"format": "pt"})
        key_of = lambda name: name if name.startswith("text_model.") else f"text_model.{name}"
    length = rng.randint(3, text.max_position_embeddings)
    batch = rng.randint(1, 3)
    eos = text.vocab_size - 1
    ids = torch.randint(3, eos, (batch, length), generator=generator)
    mask = torch.ones(batch, length, dtype=torch.long)
    for row in range(batch):
        end = rng.randint(1, length - 1)
        ids[row, end:] = eos
        mask[row, end + 1:] = 0
    arguments = {"input_ids": ids}
    if rng.random() < 0.6:
        arguments["attention_mask"] = mask
    out = model(**arguments, output_hidden_states=True)
    outputs = {"last_hidden_state": out.last_hidden_state}
    if with_projection:
        outputs["text_embeds"] = out.text_embeds
        outputs["pooler_output"] = model.text_model(**arguments).pooler_output
    else:
        outputs["pooler_output"] = out.pooler_output
    outputs.update(hidden(out.hidden_states))
    write_io(folder, model, key_of, arguments, outputs, rng, generator)


def respell(folder, spelling):
    """config.json in the spelling of older versions, and without the fields that equal the defaults."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    if spelling == "new":
        config["rope_parameters"] = rope
    else:
        config["rope_theta"] = rope.pop("rope_theta")
        if spelling == "type":
            rope["type"] = rope.pop("rope_type")
        config["rope_scaling"] = None if "factor" not in rope else rope
        config["torch_dtype"] = config.pop("dtype", "float32")
    defaults = transformers.LlamaConfig().to_dict()
    config = {k: v for k, v in config.items() if k == "model_type" or k not in defaults or defaults[k] != v}
    path.write_text(json.dumps(config, indent=1))


def sort_targets(path):
    """peft writes a set in whatever order it has."""
    config = json.loads(path.read_text())
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=1))


def llama_case(folder, config, layout, storage, rng, generator):
    llama = transformers.LlamaConfig(**config)
    model = transformers.LlamaForCausalLM(llama).eval()
    randomise(model, generator)
    model = save_reference(model, folder, storage)
    respell(folder, layout["spelling"])
    key_of = same_key
    if layout["lora"]:
        model = peft.get_peft_model(model, peft.LoraConfig(**layout["lora"])).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        model.save_pretrained(folder / "adapter")
        sort_targets(folder / "adapter" / "adapter_config.json")
        for parameter in model.parameters():
            parameter.requires_grad_(True)

        def key_of(name):
            if "lora_" in name:
                return name.replace(".default", "")
            return name.removeprefix("base_model.model.").replace(".base_layer", "")

    batch, length = rng.randint(1, 3), rng.randint(4, 12)
    mask = torch.ones(batch, length, dtype=torch.long)
    may_attend = torch.ones(batch, length)
    for row in range(batch):
        pad = rng.randint(0, length - 2)
        if layout["padding"] == "right":
            mask[row, length - pad:] = 0
        elif layout["padding"] == "left":
            mask[row, :pad] = 0
            may_attend[row, :pad] = 0
    arguments = {}
    if layout["embeds"]:
        arguments["inputs_embeds"] = torch.randn(batch, length, llama.hidden_size, generator=generator).requires_grad_()
    else:
        arguments["input_ids"] = torch.randint(0, llama.vocab_size, (batch, length), generator=generator)
    if layout["padding"]:
        arguments["attention_mask"] = mask
    if layout["positions"]:
        arguments["position_ids"] = (mask.cumsum(-1) - 1).clamp_min(0) + rng.randint(0, 3)
    out = model(**arguments, output_hidden_states=True)
    outputs = {"logits": out.logits, **hidden(out.hidden_states)}
    write_io(folder, model, key_of, arguments, outputs, rng, generator, may_attend)


def draw_tower(rng):
    heads = rng.choice([1, 2, 3, 4])
    width = heads * rng.choice([4, 8, 6])
    return {
        "hidden_size": width, "num_attention_heads": heads, "intermediate_size": rng.choice([8, 20, 36]),
        "num_hidden_layers": rng.randint(1, 3), "projection_dim": rng.choice([5, 8, 12]),
        "hidden_act": rng.choice(["quick_gelu", "gelu", "gelu_new", "relu", "silu"]),
        "layer_norm_eps": rng.choice([1e-5, 1e-6, 1e-3]),
    }


def draw_vision(rng):
    patch = rng.choice([2, 4, 5])
    return {**draw_tower(rng), "patch_size": patch, "image_size": patch * rng.randint(1, 4) + rng.choice([0, 1]),
            "num_channels": rng.choice([1, 3, 3])}


def draw_text(rng):
    vocab = rng.randint(20, 60)
    return {**draw_tower(rng), "vocab_size": vocab, "max_position_embeddings": rng.randint(5, 14),
            "eos_token_id": rng.choice([2, vocab - 1])}


def draw_rope(rng, head_dim):
    theta = rng.choice([10000.0, 500.0, 1e6])
    return rng.choice([
        {"rope_type": "yarn", "rope_theta": theta, "factor": rng.choice([2.0, 8.0]),
         "original_max_position_embeddings": rng.choice([8, 64]),
         **rng.choice([{}, {"beta_fast": 4.0, "beta_slow": 0.5, "truncate": False}, {"attention_factor": 0.7},
                       {"mscale": 1.5, "mscale_all_dim": 0.8}])},
        {"rope_type": "longrope", "rope_theta": theta, "factor": 4.0, "original_max_position_embeddings": rng.choice([4, 64]),
         "short_factor": [1.0 + rng.random() for _ in range(head_dim // 2)],
         "long_factor": [2.0 + 3 * rng.random() for _ in range(head_dim // 2)],
         **rng.choice([{}, {"attention_factor": 1.3}])},
        {"rope_type": "proportional", "rope_theta": theta, "factor": 2.0, "partial_rotary_factor": rng.choice([0.25, 0.5, 1.0])},
        {"rope_type": "default", "rope_theta": theta},
        {"rope_type": "linear", "rope_theta": theta, "factor": 2.5},
        {"rope_type": "dynamic", "rope_theta": theta, "factor": 4.0},
        {"rope_type": "llama3", "rope_theta": theta, "factor": 8.0, "low_freq_factor": 1.0,
         "high_freq_factor": 4.0, "original_max_position_embeddings": rng.choice([8, 64])},
    ])


def draw_llama(rng):
    kv, groups = rng.choice([1, 2]), rng.choice([1, 2, 3])
    heads = kv * groups
    head_dim = rng.choice([4, 6, 8])
    config = {
        "hidden_size": heads * head_dim, "num_attention_heads": heads, "num_key_value_heads": kv,
        "intermediate_size": rng.choice([12, 24, 40]), "num_hidden_layers": rng.randint(1, 3),
        "vocab_size": rng.randint(10, 50), "rms_norm_eps": rng.choice([1e-6, 1e-5, 1e-3]),
        "hidden_act": rng.choice(["silu", "silu", "gelu", "relu"]), "max_position_embeddings": rng.choice([6, 64]),
        "attention_bias": rng.random() < 0.3, "mlp_bias": rng.random() < 0.3,
        "tie_word_embeddings": rng.random() < 0.3,
    }
    if rng.random() < 0.3:
        config["head_dim"] = head_dim + 2
    config["rope_parameters"] = draw_rope(rng, config.get("head_dim", head_dim))
    return config


def draw_lora(rng):
    if rng.random() < 0.5:
        return None
    targets = rng.choice([["q_proj", "v_proj"], ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"],
                          r".*\.(self_attn\.q_proj|mlp\.up_proj)"])
    return {
        "r": rng.randint(1, 4), "lora_alpha": rng.choice([1, 8, 16]), "target_modules": targets,
        "use_rslora": rng.random() < 0.3,
        **({"rank_pattern": {"q_proj": 5}, "alpha_pattern": {r"layers.0.*q_proj": 3}} if rng.random() < 0.5 else {}),
    }


def draw_layout(rng):
    return {"spelling": rng.choice(["new", "rope_type", "type"]), "lora": draw_lora(rng),
            "padding": rng.choice([None, "left", "right"]), "embeds": rng.random() < 0.5,
            "positions": rng.random() < 0.4}


def random_cases(count, rng):
    for i in range(count):
        yield "clip-vision", f"random-{i}", vision_case, draw_vision(rng), rng.choice(["own", "clip-model"]), draw_storage(rng)
        layout = rng.choice(["own", "projection", "prefixed"])
        yield "clip-text", f"random-{i}", text_case, draw_text(rng), layout, draw_storage(rng)
        yield "llama", f"random-{i}", llama_case, draw_llama(rng), draw_layout(rng), draw_storage(rng)


def committed_cases(rng):
    tower = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 2,
             "projection_dim": 6}
    odd = {"hidden_size": 18, "num_attention_heads": 3, "intermediate_size": 20, "num_hidden_layers": 3,
           "projection_dim": 7, "layer_norm_eps": 1e-3}
    half = {"dtype": torch.float16, "shard": "5GB"}
    brain = {"dtype": torch.bfloat16, "shard": "8KB"}
    yield "clip-vision", "own-layout", vision_case, {**tower, "image_size": 12, "patch_size": 4}, "own", PLAIN
    yield "clip-vision", "clip-model-fp16", vision_case, {
        **odd, "image_size": 11, "patch_size": 5, "hidden_act": "gelu"}, "clip-model", half
    yield "clip-text", "old-eos", text_case, {
        **tower, "vocab_size": 40, "max_position_embeddings": 9, "eos_token_id": 2}, "prefixed", PLAIN
    yield "clip-text", "projection-sharded", text_case, {
        **odd, "vocab_size": 33, "max_position_embeddings": 7, "eos_token_id": 32, "hidden_act": "gelu_new"}, "projection", brain
    llama = {"hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 24,
             "num_hidden_layers": 2, "vocab_size": 30}
    wide = {"hidden_size": 12, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 6,
            "intermediate_size": 20, "num_hidden_layers": 3, "vocab_size": 22, "attention_bias": True,
            "mlp_bias": True, "tie_word_embeddings": True, "rms_norm_eps": 1e-3, "hidden_act": "gelu"}
    layout = {"spelling": "new", "lora": None, "padding": None, "embeds": False, "positions": False}
    yield "llama", "gqa", llama_case, llama, layout, PLAIN
    yield "llama", "left-padding-tied-biases", llama_case, {
        **wide, "rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.5}}, {
        **layout, "spelling": "type", "padding": "left", "positions": True}, PLAIN
    yield "llama", "lora-right-padding-sharded", llama_case, {
        **llama, "rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0,
                                     "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}, {
        "spelling": "rope_type", "padding": "right", "embeds": True, "positions": False,
        "lora": {"r": 2, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"],
                 "rank_pattern": {"down_proj": 3}, "alpha_pattern": {r"layers.0.*q_proj": 5}}}, brain
    yield "llama", "rslora-dynamic-fp16", llama_case, {
        **llama, "max_position_embeddings": 3, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0}}, {
        **layout, "spelling": "new",
        "lora": {"r": 4, "lora_alpha": 3, "target_modules": r".*\.(self_attn\.q_proj|mlp\.up_proj)",
                 "use_rslora": True}}, half


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases of each component; 0: the committed ones")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rng = random.Random(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    cases = random_cases(args.cases, rng) if args.cases else committed_cases(rng)
    for component, name, make, config, layout, storage in cases:
        folder = args.out / component / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder, config, layout, storage, rng, generator)
        for extra in [*folder.rglob("README.md"), *folder.rglob("generation_config.json")]:
            extra.unlink()
        print(component, name)


if __name__ == "__main__":
    main()
