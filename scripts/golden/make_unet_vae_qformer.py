#!/usr/bin/env python3
"""Writes golden cases of the UNet, the autoencoder and the QFormer: random small models of diffusers and
transformers in their own folder layout, with inputs, outputs and gradients (tests/models/reference.h)."""
import argparse
import json
import pathlib
import random

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import Blip2QFormerConfig, Blip2QFormerModel

# Smaller gradients are zero in exact arithmetic (a key's bias, the query of a single key): nothing to compare.
LEAST_GRADIENT = 1e-6  # of the largest
DTYPES = [torch.bfloat16, torch.float16, torch.float32]


def randomise(model, dtype, generator):
    """Weights that `dtype` holds exactly, none of them zero or one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
            parameter.copy_(parameter.to(dtype).float())
    return model.eval()


def write_case(folder, model, run, inputs, num_grads, rng, generator, dtype, shards, rename=lambda key: key,
               fixed=("timestep",), convert=None):
    """run(inputs) -> outputs by name. Writes the model's folder and io/io.safetensors. Inputs named in `fixed` get no
    gradient. convert(tensors by key) -> the same in another layout, as one file without index."""
    features = {name: value for name, value in inputs.items() if value.is_floating_point() and name not in fixed}
    for value in features.values():
        value.requires_grad_(True)
    outputs = run(inputs)
    cotangents = {name: torch.randn(value.shape, generator=generator) for name, value in outputs.items()}
    sum((cotangents[name] * value).sum() for name, value in outputs.items()).backward()

    gradients = {name: parameter.grad for name, parameter in model.named_parameters()
                 if parameter.grad is not None}
    gradients = convert(gradients) if convert else gradients
    largest = max(gradient.abs().max() for gradient in gradients.values())
    gradients = {name: gradient for name, gradient in gradients.items()
                 if gradient.abs().max() > LEAST_GRADIENT * largest}
    keys = sorted(gradients) if num_grads < 0 else rng.sample(sorted(gradients), min(num_grads, len(gradients)))
    tensors = dict(inputs)
    tensors |= {f"cotangent.{name}": value for name, value in cotangents.items()}
    tensors |= {f"expect.{name}": value for name, value in outputs.items()}
    tensors |= {f"expect.grad.{name}": value.grad if value.grad is not None else torch.zeros_like(value)
                for name, value in features.items()}  # a UNet without attention reads no context
    tensors |= {f"expect.grad.param.{rename(key)}": gradients[key] for key in keys}
    (folder / "io").mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().contiguous().clone() for name, value in tensors.items()},
              str(folder / "io/io.safetensors"), {"grad_params": ",".join(rename(key) for key in keys)})
    for file in folder.glob("*.safetensors"):
        file.unlink()  # of an earlier run
    model.to(dtype).save_pretrained(folder, max_shard_size="60KB" if shards else "1GB")
    if convert:
        files = list(folder.glob("*.safetensors"))
        weights = {key: value for file in files for key, value in load_file(file).items()}
        for file in [*files, *folder.glob("*.index.json")]:
            file.unlink()
        save_file(convert(weights), str(folder / "original.safetensors"))
        return
    for file in folder.glob("*.safetensors"):
        weights = {rename(key): value for key, value in load_file(file).items()}
        save_file(weights, str(file), {"format": "pt"})
    for file in folder.glob("*.index.json"):
        index = json.loads(file.read_text())
        index["weight_map"] = {rename(key): shard for key, shard in index["weight_map"].items()}
        file.write_text(json.dumps(index))


def unet_case(folder, config, shape, tokens, mask, **rest):
    generator = rest["generator"]
    model = randomise(UNet2DConditionModel(**config), rest["dtype"], generator)
    width = config["cross_attention_dim"]
    width = width if isinstance(width, int) else width[0]
    batch, height, length = shape
    inputs = {"sample": torch.randn(batch, config["in_channels"], height, length, generator=generator),
              "timestep": torch.randint(0, 1000, (batch,), generator=generator),
              "encoder_hidden_states": torch.randn(batch, tokens, width, generator=generator)}
    if batch == 1:
        inputs["timestep"] = torch.tensor(412.625)
    if mask:
        inputs["encoder_attention_mask"] = (torch.arange(tokens)[None] < torch.randint(
            1, tokens + 1, (batch, 1), generator=generator)).long()
    if config.get("time_cond_proj_dim"):
        inputs["timestep_cond"] = torch.randn(batch, config["time_cond_proj_dim"], generator=generator)
    write_case(folder, model, lambda given: {"sample": model(**given).sample}, inputs, **rest)


def vae_case(out, name, config, batch, size, old_names, **rest):
    generator = rest["generator"]

    def rename(key):
        for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            key = key.replace(f".{new}.", f".{old}.") if old_names else key
        return key

    model = AutoencoderKL(**config)
    state = randomise(model, rest["dtype"], generator).state_dict()
    sample = torch.rand(batch, config.get("in_channels", 3), *size, generator=generator) * 2 - 1

    def encode(given):
        posterior = model.encode(given["sample"]).latent_dist
        return {"mean": posterior.mean, "logvar": posterior.logvar}

    write_case(out / "vae-encode" / name, model, encode, {"sample": sample}, rename=rename, **rest)
    model = AutoencoderKL(**config).eval()
    model.load_state_dict(state)
    downscale = 2 ** (len(config["block_out_channels"]) - 1)
    latent = torch.randn(batch, config["latent_channels"], size[0] // downscale, size[1] // downscale,
                         generator=generator)
    write_case(out / "vae-decode" / name, model, lambda given: {"sample": model.decode(given["latent"]).sample},
               {"latent": latent}, rename=rename, **rest)


def qformer_case(folder, config, batch, queries, states, mask, **rest):
    generator = rest["generator"]
    config = Blip2QFormerConfig(**config)
    model = randomise(Blip2QFormerModel(config), rest["dtype"], generator)
    inputs = {"query_embeds": torch.randn(batch, queries, config.hidden_size, generator=generator),
              "encoder_hidden_states": torch.randn(batch, states, config.encoder_hidden_size, generator=generator)}
    if mask:
        inputs["encoder_attention_mask"] = (torch.arange(states)[None] < torch.randint(
            1, states + 1, (batch, 1), generator=generator)).long()
    write_case(folder, model, lambda given: {"last_hidden_state": model(**given).last_hidden_state}, inputs, **rest)


def per_level(rng, levels, values):
    return rng.choice([rng.choice(values), [rng.choice(values) for _ in range(levels)]])


def random_unet(rng):
    levels = rng.randint(1, 3)
    attention = [rng.random() < 0.6 for _ in range(levels)]
    config = {
        "in_channels": rng.choice([3, 4, 8]), "out_channels": rng.choice([3, 4]),
        "block_out_channels": [rng.choice([8, 12, 16, 24]) for _ in range(levels)],
        "down_block_types": ["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attention],
        "up_block_types": ["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attention)],
        "mid_block_type": rng.choice(["UNetMidBlock2DCrossAttn"] * 3 + ["UNetMidBlock2D", None]),
        "layers_per_block": per_level(rng, levels, [1, 2]),
        "attention_head_dim": per_level(rng, levels, [1, 2, 3, 4]),
        "cross_attention_dim": rng.choice([5, 8, [6] * levels]),
        "transformer_layers_per_block": per_level(rng, levels, [1, 2]),
        "use_linear_projection": rng.random() < 0.5, "upcast_attention": rng.random() < 0.3,
        "only_cross_attention": rng.choice([False, False, True, [rng.random() < 0.5 for _ in range(levels)]]),
        "norm_num_groups": rng.choice([1, 2, 4]), "norm_eps": rng.choice([1e-5, 1e-4]),
        "act_fn": rng.choice(["silu", "silu", "gelu", "relu", "swish"]),
        "flip_sin_to_cos": rng.random() < 0.7, "freq_shift": rng.choice([0, 1]),
        "center_input_sample": rng.random() < 0.2, "conv_in_kernel": rng.choice([1, 3, 5]),
        "conv_out_kernel": rng.choice([1, 3]), "time_cond_proj_dim": rng.choice([None, None, 6]),
    }
    shape = (rng.randint(1, 3), rng.randint(5, 17), rng.randint(5, 17))
    return config, shape, rng.randint(1, 9), rng.random() < 0.4


def random_vae(rng):
    levels = rng.randint(2, 3)
    attention = [rng.random() < 0.3 for _ in range(levels)]
    return {
        "in_channels": rng.choice([1, 3]), "out_channels": 3,
        "block_out_channels": [rng.choice([8, 12, 16]) for _ in range(levels)],
        "down_block_types": ["AttnDownEncoderBlock2D" if a else "DownEncoderBlock2D" for a in attention],
        "up_block_types": ["AttnUpDecoderBlock2D" if a else "UpDecoderBlock2D" for a in attention],
        "layers_per_block": rng.choice([1, 2]), "latent_channels": rng.choice([2, 4, 16]),
        "norm_num_groups": rng.choice([1, 2, 4]), "act_fn": rng.choice(["silu", "gelu"]),
        "scaling_factor": 0.3611, "shift_factor": rng.choice([None, 0.1159]),
        "use_quant_conv": rng.random() < 0.5, "use_post_quant_conv": rng.random() < 0.5,
        "mid_block_add_attention": rng.random() < 0.7,
    }


def random_qformer(rng):
    heads = rng.choice([1, 2, 4])
    return {"hidden_size": heads * rng.choice([4, 6, 8]), "num_attention_heads": heads,
            "num_hidden_layers": rng.randint(1, 4), "intermediate_size": rng.choice([16, 40]),
            "hidden_act": rng.choice(["gelu", "relu", "silu", "gelu_new"]),
            "layer_norm_eps": rng.choice([1e-12, 1e-5]), "cross_attention_frequency": rng.randint(1, 3),
            "encoder_hidden_size": rng.choice([7, 16]), "use_qformer_text_input": rng.random() < 0.4}


SD1 = {"in_channels": 4, "out_channels": 4, "block_out_channels": [8, 12],
       "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
       "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"], "layers_per_block": 1, "attention_head_dim": 2,
       "cross_attention_dim": 6, "norm_num_groups": 4}
UNETS = [
    (SD1, (2, 8, 8), 5, False),
    ({**SD1, "use_linear_projection": True, "attention_head_dim": [1, 2], "upcast_attention": True},
     (1, 7, 10), 3, True),
    ({**SD1, "in_channels": 8, "only_cross_attention": True, "block_out_channels": [8, 8, 8],
      "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
      "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "mid_block_type": "UNetMidBlock2D",
      "time_cond_proj_dim": 4, "layers_per_block": [1, 2, 1]}, (2, 9, 5), 4, False),
]
SD_VAE = {"block_out_channels": [4, 8], "down_block_types": ["DownEncoderBlock2D"] * 2,
          "up_block_types": ["UpDecoderBlock2D"] * 2, "layers_per_block": 1, "latent_channels": 4,
          "norm_num_groups": 2}
VAES = [
    (SD_VAE, True),
    ({**SD_VAE, "latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False,
      "scaling_factor": 0.3611, "shift_factor": 0.1159}, False),
]
BLIP = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 3, "intermediate_size": 32,
        "encoder_hidden_size": 12}
QFORMERS = [(BLIP, False), ({**BLIP, "use_qformer_text_input": True, "cross_attention_frequency": 3}, True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/models/data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases instead of the committed ones")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)

    def common(i):
        return {"num_grads": -1 if args.cases else 8, "rng": rng, "generator": generator,
                "dtype": DTYPES[i % 3], "shards": i % 3 == 1}

    unets = [random_unet(rng) for _ in range(args.cases)] or UNETS
    vaes = [(random_vae(rng), rng.random() < 0.4) for _ in range(args.cases)] or VAES
    qformers = [(random_qformer(rng), rng.random() < 0.5) for _ in range(args.cases)] or QFORMERS
    for i, (config, shape, tokens, mask) in enumerate(unets):
        unet_case(args.out / f"unet/case-{i:02}", config, shape, tokens, mask, **common(i))
    for i, (config, old_names) in enumerate(vaes):
        size = (rng.randint(2, 4) * 4, rng.randint(2, 4) * 4)
        vae_case(args.out, f"case-{i:02}", config, rng.randint(1, 2), size, old_names, **common(i))
    for i, (config, mask) in enumerate(qformers):
        qformer_case(args.out / f"qformer/case-{i:02}", config, rng.randint(1, 3), rng.randint(2, 7),
                     rng.randint(2, 9), mask, **common(i))


if __name__ == "__main__":
    main()
