#!/usr/bin/env python3
"""Writes golden cases of SAM: random small SamModels of transformers, in their own layout or in that of
segment-anything, with prompts, outputs and gradients as float64 gives them, and the noise of the reference's own
float32 kernels (tests/models/reference.h)."""
import argparse
import pathlib
import random
import re

import torch
import transformers
from safetensors.torch import save_file
from transformers import SamConfig, SamModel

# Smaller gradients are zero in exact arithmetic (a key's bias): nothing to compare.
LEAST_GRADIENT = 1e-6  # of the largest
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
POSITIONS = "shared_image_embedding.positional_embedding"
PROMPT_POSITIONS = "prompt_encoder.shared_embedding.positional_embedding"


def original_key(key, iou_depth):
    """The name that segment-anything gives to a tensor of SamModel."""
    def head_layer(match):
        last = (3 if "hypernetworks" in key else max(iou_depth, 2)) - 1
        place = {"proj_in": 0, "proj_out": last}.get(match[1])
        return f".layers.{int(match[1].split('.')[1]) + 1 if place is None else place}."

    if key in (POSITIONS, PROMPT_POSITIONS):
        return "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
    if "_mlps." in key or "iou_prediction_head." in key:
        return re.sub(r"\.(proj_in|proj_out|layers\.\d+)\.", head_layer, key)
    for pattern, name in [
            (r"^vision_encoder\.layers", "image_encoder.blocks"), (r"^vision_encoder", "image_encoder"),
            (r"patch_embed\.projection", "patch_embed.proj"), (r"neck\.conv1", "neck.0"),
            (r"neck\.layer_norm1", "neck.1"), (r"neck\.conv2", "neck.2"), (r"neck\.layer_norm2", "neck.3"),
            (r"point_embed\.(\d)", r"point_embeddings.\1"), (r"mask_embed\.conv1", "mask_downscaling.0"),
            (r"mask_embed\.layer_norm1", "mask_downscaling.1"), (r"mask_embed\.conv2", "mask_downscaling.3"),
            (r"mask_embed\.layer_norm2", "mask_downscaling.4"), (r"mask_embed\.conv3", "mask_downscaling.6"),
            (r"layer_norm_final_attn", "norm_final_attn"), (r"upscale_conv1", "output_upscaling.0"),
            (r"upscale_layer_norm", "output_upscaling.1"), (r"upscale_conv2", "output_upscaling.3"),
            (r"\.layer_norm(\d)", r".norm\1")]:
        key = re.sub(pattern, name, key)
    return key


def randomise(model, dtype, generator):
    """Weights that `dtype` holds exactly, none of them zero or one."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "positional_embedding" in name:  # fresh ones are too large to tell places apart
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            scale = 0.3 if parameter.dim() == 1 or "rel_pos" in name or "embed" in name else 0.1
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
            parameter.copy_(parameter.to(dtype).float())
    return model.eval()


def random_prompts(rng, config, batch, generator):
    size = config.prompt_encoder_config.image_size
    prompts, points = rng.randint(1, 4), rng.randint(1, 3)
    kind = rng.choice(["points", "points", "labels", "labels", "boxes", "both", "masks"])
    inputs = {}
    if kind != "boxes":
        inputs["input_points"] = torch.rand(batch, prompts, points, 2, generator=generator) * size
    if kind in ("labels", "both", "masks"):
        choice = torch.randint(0, 4, (batch, prompts, points), generator=generator)
        inputs["input_labels"] = torch.tensor([0, 1, -1, -10])[choice]
    if kind in ("boxes", "both"):
        inputs["input_boxes"] = torch.rand(batch, prompts, 4, generator=generator) * size
    if kind == "masks" and config.prompt_encoder_config.mask_input_channels % 4 == 0:
        side = 4 * config.prompt_encoder_config.image_embedding_size
        inputs["input_masks"] = torch.randn(batch, 1, side, side, generator=generator)
    return inputs


def random_config(rng):
    heads, head_width = rng.choice([1, 2, 3, 4]), rng.choice([3, 4, 8])
    decoder_heads = rng.choice([1, 2, 4])
    rate = rng.choice([1, 2, 2, 4])
    width = 2 * decoder_heads * rate * rng.choice([4, 5, 6])
    grid, patch = rng.randint(2, 9), rng.choice([2, 3, 4])
    layers = rng.randint(1, 4)
    prompt_patch = rng.choice([patch, 5])
    activation = ["gelu", "gelu", "relu", "silu", "gelu_new", "quick_gelu"]
    vision = {
        "hidden_size": heads * head_width, "output_channels": width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_channels": rng.choice([3, 3, 1, 4]),
        "image_size": grid * patch + rng.randint(0, patch - 1), "patch_size": patch,
        "hidden_act": rng.choice(activation), "layer_norm_eps": rng.choice([1e-6, 1e-5]),
        "qkv_bias": rng.random() < 0.7, "use_abs_pos": rng.random() < 0.7, "use_rel_pos": rng.random() < 0.8,
        "window_size": rng.choice([0, 2, 3, 4, 5, grid, grid + 2]),
        "global_attn_indexes": sorted(rng.sample(range(-1, layers + 2), rng.randint(0, layers))),
        "num_pos_feats": width // 2,
    }
    if rng.random() < 0.5:
        vision["mlp_dim"] = rng.choice([5, 16, 24])
    else:
        vision["mlp_ratio"] = rng.choice([1.5, 2.0, 4.0])
    prompt = {
        "hidden_size": width, "image_size": grid * prompt_patch + rng.randint(0, prompt_patch - 1),
        "patch_size": prompt_patch, "mask_input_channels": rng.choice([8, 12, 16, 6]),
        "num_point_embeddings": rng.choice([4, 4, 5]), "hidden_act": rng.choice(activation),
        "layer_norm_eps": rng.choice([1e-6, 1e-5]),
    }
    decoder = {
        "hidden_size": width, "hidden_act": rng.choice(["relu"] + activation), "mlp_dim": rng.choice([7, 32]),
        "num_hidden_layers": rng.randint(1, 3), "num_attention_heads": decoder_heads,
        "attention_downsample_rate": rate, "num_multimask_outputs": rng.randint(1, 4),
        "iou_head_depth": rng.randint(1, 5), "iou_head_hidden_dim": rng.choice([9, 16]),
        "layer_norm_eps": rng.choice([1e-6, 1e-5]),
    }
    return {"vision_config": vision, "prompt_encoder_config": prompt, "mask_decoder_config": decoder,
            "tie_word_embeddings": rng.random() < 0.8}


SMALL = {
    "vision_config": {"hidden_size": 12, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                      "image_size": 20, "patch_size": 4, "window_size": 3, "global_attn_indexes": [1],
                      "num_pos_feats": 8, "mlp_dim": 16},
    "prompt_encoder_config": {"hidden_size": 16, "image_size": 20, "patch_size": 4, "mask_input_channels": 8},
    "mask_decoder_config": {"hidden_size": 16, "mlp_dim": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "iou_head_hidden_dim": 8},
}
WHOLE_GRID = {
    "vision_config": {**SMALL["vision_config"], "use_rel_pos": False, "qkv_bias": False, "window_size": 0,
                      "num_hidden_layers": 1},
    "prompt_encoder_config": SMALL["prompt_encoder_config"],
    "mask_decoder_config": {**SMALL["mask_decoder_config"], "num_multimask_outputs": 1, "iou_head_depth": 1},
    "tie_word_embeddings": False,
}


def run(model, inputs, cotangents, dtype, attention):
    """Outputs, and gradients of arguments and parameters, computed in `dtype` by one of the reference's kernels."""
    model.to(dtype).set_attn_implementation(attention)
    model.zero_grad()
    inputs = {name: value.detach().to(dtype) if value.is_floating_point() else value for name, value in inputs.items()}
    features = {name: inputs[name].requires_grad_(True) for name in ("pixel_values", "input_masks") if name in inputs}
    embeddings = model.vision_encoder(inputs["pixel_values"]).last_hidden_state
    given = {name: value for name, value in inputs.items() if name != "pixel_values"}
    out = model(image_embeddings=embeddings, **given)
    outputs = {"iou_scores": out.iou_scores, "pred_masks": out.pred_masks, "image_embeddings": embeddings}
    if not cotangents:
        return outputs, {}
    sum((cotangents[name].to(dtype) * value).sum() for name, value in outputs.items()).backward()
    gradients = {f"grad.{name}": value.grad for name, value in features.items()}
    gradients |= {f"grad.param.{name}": parameter.grad for name, parameter in model.named_parameters()
                  if parameter.grad is not None}
    return outputs, {name: gradient.clone() for name, gradient in gradients.items()}


def exact_and_noise(model, inputs, cotangents):
    """What the reference computes in float64, and how far its own float32 kernels are from that, relative to the
    largest value of each tensor: queries and keys get gradients out of differences that nearly cancel."""
    outputs, gradients = run(model, inputs, cotangents, torch.float64, "eager")
    exact = outputs | gradients
    noise = dict.fromkeys(exact, 0.0)
    for attention in ("eager", "sdpa"):
        outputs, gradients = run(model, inputs, cotangents, torch.float32, attention)
        for name, value in (outputs | gradients).items():
            scale = exact[name].abs().max().item()
            error = (value.double() - exact[name]).abs().max().item()
            noise[name] = max(noise[name], error / scale if scale else error)
    return exact, noise


def write_case(folder, config, original, num_grads, rng, generator, dtype, container="safetensors"):
    config = SamConfig(**config)
    model = randomise(SamModel(config), dtype, generator)
    vision = config.vision_config
    batch = rng.randint(1, 3)
    inputs = {"pixel_values": torch.randn(batch, vision.num_channels, vision.image_size, vision.image_size,
                                          generator=generator)}
    inputs |= random_prompts(rng, config, batch, generator)
    outputs, _ = run(model, inputs, {}, torch.float32, "eager")
    cotangents = {name: torch.randn(value.shape, generator=generator) for name, value in outputs.items()}
    exact, noise = exact_and_noise(model, inputs, cotangents)

    def rename(name):
        key = name.removeprefix("grad.param.")
        return name if key == name or not original else \
            "grad.param." + original_key(key, config.mask_decoder_config.iou_head_depth)

    gradients = {name: value for name, value in exact.items() if name.startswith("grad.param.")}
    largest = max(gradient.abs().max() for gradient in gradients.values())
    names = sorted(name for name, gradient in gradients.items() if gradient.abs().max() > LEAST_GRADIENT * largest)
    names = names if num_grads < 0 else rng.sample(names, num_grads)
    keys = [rename(name).removeprefix("grad.param.") for name in names]
    tensors = dict(inputs)
    tensors |= {f"cotangent.{name}": value for name, value in cotangents.items()}
    for name in [name for name in exact if name not in gradients] + names:
        tensors[f"expect.{rename(name)}"] = exact[name].float()
        tensors[f"noise.{rename(name)}"] = torch.tensor(noise[name])
    (folder / "io").mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().contiguous().clone() for name, value in tensors.items()},
              str(folder / "io/io.safetensors"), {"grad_params": ",".join(keys)})
    model = model.to(dtype)
    if not original:
        model.save_pretrained(folder)
        return
    config.save_pretrained(folder)
    depth = config.mask_decoder_config.iou_head_depth
    weights = {original_key(key, depth): value.contiguous().clone() for key, value in model.state_dict().items()}
    if container == "pth":
        torch.save(weights, folder / "sam_vit_t.pth")
    else:
        save_file(weights, str(folder / "sam_vit_t.safetensors"), {"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/models/data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases instead of the committed ones")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(args.seed)
    configs = [random_config(rng) for _ in range(args.cases)] or [SMALL, SMALL, WHOLE_GRID]
    for i, config in enumerate(configs):
        original = i % 3 == 1
        config = {**config, "tie_word_embeddings": True} if original else config
        write_case(args.out / f"sam/case-{i:02}", config, original, -1 if args.cases else 8, rng, generator,
                   DTYPES[i % 3 if args.cases else (i + 1) % 3],
                   container="pth" if args.cases and i % 2 else "safetensors")


if __name__ == "__main__":
    main()
