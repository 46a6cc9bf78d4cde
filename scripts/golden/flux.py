#!/usr/bin/env python3
"""Writes golden cases of the FLUX transformer: random small models of diffusers, in its folder layout and in the original
one, with inputs, outputs and gradients (tests/models/reference.h)."""
import argparse
import pathlib
import random

import torch
from diffusers import FluxTransformer2DModel

from make_unet_vae_qformer import DTYPES, randomise, write_case

STREAMS = {"img": ("norm1", "ff", ("to_q", "to_k", "to_v"), "to_out.0", ("norm_q", "norm_k")),
           "txt": ("norm1_context", "ff_context", ("add_q_proj", "add_k_proj", "add_v_proj"), "to_add_out",
                   ("norm_added_q", "norm_added_k"))}


def original_layout(tensors, prefix=""):
    """The keys and fused tensors of the published file of FLUX.1 (black-forest-labs/flux) from diffusers' own."""
    rest = dict(tensors)
    out = {}

    def move(new, *old, join=torch.cat):
        for kind in ("weight", "bias"):
            parts = [rest.pop(f"{key}.{kind}") for key in old if f"{key}.{kind}" in rest]
            if parts:
                out[f"{prefix}{new}.{kind}"] = join(parts) if len(parts) > 1 else parts[0]

    def move_norm(new, old):
        if f"{old}.weight" in rest:
            out[f"{prefix}{new}.scale"] = rest.pop(f"{old}.weight")

    for new, old in (("time_in", "timestep_embedder"), ("guidance_in", "guidance_embedder"),
                     ("vector_in", "text_embedder")):
        move(f"{new}.in_layer", f"time_text_embed.{old}.linear_1")
        move(f"{new}.out_layer", f"time_text_embed.{old}.linear_2")
    move("img_in", "x_embedder")
    move("txt_in", "context_embedder")
    i = 0
    while f"transformer_blocks.{i}.norm1.linear.weight" in rest:
        for name, (norm, feed_forward, qkv, proj, norms) in STREAMS.items():
            ours, theirs = f"transformer_blocks.{i}", f"double_blocks.{i}.{name}"
            move(f"{theirs}_mod.lin", f"{ours}.{norm}.linear")
            move(f"{theirs}_attn.qkv", *(f"{ours}.attn.{key}" for key in qkv))
            move(f"{theirs}_attn.proj", f"{ours}.attn.{proj}")
            for new, old in zip(("query_norm", "key_norm"), norms):
                move_norm(f"{theirs}_attn.norm.{new}", f"{ours}.attn.{old}")
            move(f"{theirs}_mlp.0", f"{ours}.{feed_forward}.net.0.proj")
            move(f"{theirs}_mlp.2", f"{ours}.{feed_forward}.net.2")
        i += 1
    i = 0
    while f"single_transformer_blocks.{i}.norm.linear.weight" in rest:
        ours, theirs = f"single_transformer_blocks.{i}", f"single_blocks.{i}"
        move(f"{theirs}.modulation.lin", f"{ours}.norm.linear")
        move(f"{theirs}.linear1", *(f"{ours}.attn.{key}" for key in ("to_q", "to_k", "to_v")), f"{ours}.proj_mlp")
        move(f"{theirs}.linear2", f"{ours}.proj_out")
        for new, old in zip(("query_norm", "key_norm"), ("norm_q", "norm_k")):
            move_norm(f"{theirs}.norm.{new}", f"{ours}.attn.{old}")
        i += 1
    for kind in ("weight", "bias"):
        scale, shift = rest.pop(f"norm_out.linear.{kind}").chunk(2)
        out[f"{prefix}final_layer.adaLN_modulation.1.{kind}"] = torch.cat([shift, scale])
    move("final_layer.linear", "proj_out")
    assert not rest, sorted(rest)
    return out


def flux_case(folder, config, batch, tokens, context, original, **rest):
    rng, generator = rest["rng"], rest["generator"]
    model = randomise(FluxTransformer2DModel(**config), rest["dtype"], generator)
    axes = len(config["axes_dims_rope"])
    ids = torch.randint(0, 40, (tokens, axes), generator=generator)
    inputs = {"hidden_states": torch.randn(batch, tokens, config["in_channels"], generator=generator),
              "encoder_hidden_states": torch.randn(batch, context, config["joint_attention_dim"], generator=generator),
              "pooled_projections": torch.randn(batch, config["pooled_projection_dim"], generator=generator),
              "timestep": torch.rand(1 if rng.random() < 0.2 else batch, generator=generator),
              "img_ids": ids if rng.random() < 0.3 else ids.float(),
              "txt_ids": torch.zeros(context, axes) if rng.random() < 0.7 else torch.rand(
                  context, axes, generator=generator) * 9}
    if rng.random() < 0.3:
        for name in ("img_ids", "txt_ids"):
            inputs[name] = inputs[name].expand(batch, -1, -1).clone()
    if config["guidance_embeds"]:
        inputs["guidance"] = 1 + 3 * torch.rand(batch, generator=generator)
    convert = (lambda tensors: original_layout(tensors, original)) if original is not None else None
    write_case(folder, model, lambda given: {"sample": model(**given).sample}, inputs, convert=convert,
               fixed=("timestep", "guidance", "img_ids", "txt_ids"), **rest)


def random_flux(rng):
    axes = [rng.choice([2, 2, 4, 6]) for _ in range(rng.choice([3, 3, 3, 2, 1, 4]))]
    return {"patch_size": rng.choice([1, 1, 1, 2]), "in_channels": rng.choice([3, 4, 8, 16]),
            "out_channels": rng.choice([None, None, 4, 5]), "num_layers": rng.randint(0, 3),
            "num_single_layers": rng.randint(1, 3), "attention_head_dim": sum(axes),
            # A layer norm over two or three channels leaves next to nothing of a gradient: nothing to compare.
            "num_attention_heads": rng.randint(1 if sum(axes) > 4 else 2, 4), "joint_attention_dim": rng.choice([5, 8, 12]),
            "pooled_projection_dim": rng.choice([3, 8]), "guidance_embeds": rng.random() < 0.5, "axes_dims_rope": axes}


SMALL = {"patch_size": 1, "in_channels": 4, "out_channels": None, "num_layers": 1, "num_single_layers": 1,
         "attention_head_dim": 8, "num_attention_heads": 2, "joint_attention_dim": 6, "pooled_projection_dim": 5,
         "guidance_embeds": True, "axes_dims_rope": [2, 2, 4]}
CASES = [("guidance", SMALL, 2, 6, 3, None),
         ("no-guidance-sharded", {**SMALL, "guidance_embeds": False, "out_channels": 3, "num_single_layers": 2}, 1, 5, 4,
          None),
         ("original", SMALL, 2, 4, 3, "model.diffusion_model.")]


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
    cases = [(f"case-{i:02}", random_flux(rng), rng.randint(1, 3), rng.randint(1, 20), rng.randint(1, 9),
              rng.choice([None, None, "", "model.diffusion_model."])) for i in range(args.cases)] or CASES
    for i, (name, *case) in enumerate(cases):
        flux_case(args.out / "flux" / name, *case, num_grads=-1 if args.cases else 8, rng=rng, generator=generator,
                  dtype=DTYPES[i % 3], shards=i % 3 == 1)


if __name__ == "__main__":
    main()
