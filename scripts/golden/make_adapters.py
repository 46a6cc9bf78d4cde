#!/usr/bin/env python3
"""Writes golden cases of LoRA adapters: a UNet with a PEFT folder (outputs and gradients, tests/models/reference.h),
and a UNet and FLUX with files as diffusers and kohya write them (tests/models/lora_golden_test.cpp)."""
import argparse
import json
import pathlib
import random
import re

import torch
from diffusers import FluxTransformer2DModel, UNet2DConditionModel
from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
from make_unet_vae_qformer import random_unet, randomise
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file

LEAST_GRADIENT = 1e-6  # of the largest: smaller ones are zero in exact arithmetic
LINEAR = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2"]


def clean(tensors):
    return {name: value.detach().contiguous().clone() for name, value in tensors.items()}


def unet_inputs(config, shape, tokens, generator):
    batch, height, length = shape
    width = config["cross_attention_dim"]
    inputs = {"sample": torch.randn(batch, config["in_channels"], height, length, generator=generator),
              "timestep": torch.randint(0, 1000, (batch,), generator=generator),
              "encoder_hidden_states": torch.randn(
                  batch, tokens, width if isinstance(width, int) else width[0], generator=generator)}
    if config.get("time_cond_proj_dim"):
        inputs["timestep_cond"] = torch.randn(batch, config["time_cond_proj_dim"], generator=generator)
    return inputs


def random_lora(rng, module):
    """A configuration with patterns that match some of the module's layers."""
    names = [name for name, layer in module.named_modules() if isinstance(layer, torch.nn.Linear)]
    ends = [end for end in LINEAR if any(name.endswith("." + end) for name in names)]
    targets = rng.sample(ends, rng.randint(1, len(ends)))
    covered = [name for name in names if any(name.endswith("." + end) for end in targets)]
    patterns = {}
    for pattern in rng.sample(covered, min(2, len(covered))):
        patterns[rng.choice([pattern, re.sub(r"\d+", r"\\d+", pattern), pattern.split(".", 2)[-1]])] = rng.randint(1, 6)
    patterns = dict(sorted(patterns.items()))  # as the file has them: the first that matches counts
    alphas = {pattern: rng.choice([1, 3, 16]) for pattern in patterns if rng.random() < 0.7}
    return LoraConfig(r=rng.choice([1, 2, 4]), lora_alpha=rng.choice([1, 4, 16]), target_modules=targets,
                      rank_pattern=patterns if rng.random() < 0.7 else {}, alpha_pattern=alphas,
                      use_rslora=rng.random() < 0.4, init_lora_weights=False)


def write_base(folder, model, config):
    (folder / "io").mkdir(parents=True, exist_ok=True)
    save_file(clean(model.state_dict()), folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def peft_case(folder, rng, generator, num_grads):
    while True:
        config, shape, tokens, _ = random_unet(rng)
        model = randomise(UNet2DConditionModel(**config), torch.float32, generator)
        if any("attn1.to_q" in name for name, _ in model.named_modules()):
            break
    write_base(folder, model, {"_class_name": "UNet2DConditionModel", **config})
    adapted = get_peft_model(model, random_lora(rng, model))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if ".lora_" in name:  # else attention saturates, and rounding is magnified
                parameter.mul_(0.2)
    adapted.save_pretrained(folder / "adapter")
    inputs = unet_inputs(config, shape, tokens, generator)
    for name in ("sample", "encoder_hidden_states", "timestep_cond"):
        if name in inputs:
            inputs[name].requires_grad_(True)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    output = adapted(**inputs).sample
    cotangent = torch.randn(output.shape, generator=generator)
    (output * cotangent).sum().backward()
    gradients = {}
    for name, parameter in adapted.named_parameters():
        if parameter.grad is None:
            continue
        if ".lora_" in name:
            gradients[name.replace(".default", "")] = parameter.grad
        else:
            gradients[name.removeprefix("base_model.model.").replace(".base_layer", "")] = parameter.grad
    largest = max(gradient.abs().max() for gradient in gradients.values())
    keys = sorted(key for key, value in gradients.items() if value.abs().max() > LEAST_GRADIENT * largest)
    lora = [key for key in keys if ".lora_" in key]
    keys = keys if num_grads < 0 else sorted(rng.sample(lora, min(num_grads, len(lora))) + keys[-2:])
    tensors = dict(inputs) | {"cotangent.sample": cotangent, "expect.sample": output}
    tensors |= {f"expect.grad.{name}": value.grad if value.grad is not None else torch.zeros_like(value)
                for name, value in inputs.items() if value.is_floating_point()}
    tensors |= {f"expect.grad.param.{key}": gradients[key] for key in keys}
    save_file(clean(tensors), folder / "io/io.safetensors", {"grad_params": ",".join(keys)})


def unet_files_case(folder, rng, generator):
    config, shape, tokens, _ = random_unet(rng)
    config |= {"down_block_types": ["CrossAttnDownBlock2D"] * len(config["block_out_channels"])}
    model = randomise(UNet2DConditionModel(**config), torch.float32, generator)
    write_base(folder, model, {"_class_name": "UNet2DConditionModel", **config})
    inputs = unet_inputs(config, shape, tokens, generator)
    rank, alpha = rng.choice([(2, 2), (4, 1), (1, 8)])
    adapted = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=["to_q", "to_v", "to_out.0"],
                                               init_lora_weights=False))
    state = {"unet." + key.removeprefix("base_model.model."): value
             for key, value in get_peft_model_state_dict(adapted).items()}
    options = {"unet.r": rank, "unet.lora_alpha": alpha, "unet.rank_pattern": {}, "unet.alpha_pattern": {}}
    save_file(clean(state), folder / "diffusers.safetensors",
              {"format": "pt", "lora_adapter_metadata": json.dumps(options)})
    kohya = convert_state_dict_to_kohya(dict(state))
    for key in list(kohya):
        kohya[key.replace("lora_down.weight", "alpha").replace("lora_up.weight", "alpha")] = (
            torch.tensor(float(alpha)) if "lora_" in key and key.endswith(".weight") else kohya[key])
    kohya = {key.replace("unet_unet", "unet"): value for key, value in kohya.items()}
    save_file(clean(kohya), folder / "kohya.safetensors")
    with torch.no_grad():
        outputs = {"expect.sample": adapted(**inputs).sample}
    save_file(clean(inputs | outputs), folder / "io/io.safetensors")


def flux_case(folder, rng, generator):
    """kohya's fused names: the change of the fused weight is added to the reference's split ones."""
    heads, width = 2, 16
    config = {"in_channels": 6, "num_layers": 1, "num_single_layers": 2, "attention_head_dim": 8,
              "num_attention_heads": heads, "joint_attention_dim": 10, "pooled_projection_dim": 5,
              "guidance_embeds": True, "axes_dims_rope": [2, 2, 4]}
    model = randomise(FluxTransformer2DModel(**config), torch.float32, generator)
    write_base(folder, model, {"_class_name": "FluxTransformer2DModel", **config})
    layers = {"double_blocks.0.img_attn.qkv": ["transformer_blocks.0.attn." + x for x in ("to_q", "to_k", "to_v")],
              "double_blocks.0.txt_attn.proj": ["transformer_blocks.0.attn.to_add_out"],
              "double_blocks.0.txt_mlp.0": ["transformer_blocks.0.ff_context.net.0.proj"],
              "double_blocks.0.img_mod.lin": ["transformer_blocks.0.norm1.linear"],
              "single_blocks.1.linear1": ["single_transformer_blocks.1." + x
                                          for x in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp")],
              "single_blocks.1.linear2": ["single_transformer_blocks.1.proj_out"],
              "final_layer.adaLN_modulation.1": ["norm_out.linear"]}
    weights = model.state_dict()
    kohya = {"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": torch.ones(1, 2)}
    for theirs, ours in layers.items():
        weight = torch.cat([weights[name + ".weight"] for name in ours])
        rank, alpha = rng.choice([(2, 1.0), (3, 6.0)])
        down = torch.randn(rank, weight.shape[1], generator=generator)
        up = 0.3 * torch.randn(weight.shape[0], rank, generator=generator)
        name = "lora_unet_" + theirs.replace(".", "_")
        kohya |= {name + ".lora_down.weight": down, name + ".lora_up.weight": up, name + ".alpha": torch.tensor(alpha)}
        delta = up @ down * (alpha / rank)
        if theirs.startswith("final_layer"):
            delta = torch.cat(delta.chunk(2)[::-1])  # shift and scale change places
        for part, change in zip(ours, delta.split([weights[name + ".weight"].shape[0] for name in ours])):
            weights[part + ".weight"] = weights[part + ".weight"] + change
    model.load_state_dict(weights)
    save_file(clean(kohya), folder / "kohya.safetensors")
    ids = torch.zeros(6, 3)
    ids[:, 1], ids[:, 2] = torch.arange(6) // 3, torch.arange(6) % 3
    inputs = {"hidden_states": torch.randn(1, 6, 6, generator=generator),
              "encoder_hidden_states": torch.randn(1, 4, 10, generator=generator),
              "pooled_projections": torch.randn(1, 5, generator=generator), "timestep": torch.tensor([0.4]),
              "guidance": torch.tensor([3.5]), "img_ids": ids, "txt_ids": torch.zeros(4, 3)}
    with torch.no_grad():
        outputs = {"expect.sample": model(**inputs).sample}
    save_file(clean(inputs | outputs), folder / "io/io.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/models/data")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--cases", type=int, default=0, help="random cases instead of the committed ones")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    for i in range(args.cases or 1):
        name = f"adapter-{i:02}"
        peft_case(args.out / "unet" / name, rng, generator, -1 if args.cases else 12)
        unet_files_case(args.out / "lora/unet" / name, rng, generator)
        flux_case(args.out / "lora/flux" / name, rng, generator)


if __name__ == "__main__":
    main()
