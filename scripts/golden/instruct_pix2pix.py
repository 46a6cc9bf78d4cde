#!/usr/bin/env python3
"""Writes golden cases of InstructPix2Pix: diffusers' whole pipeline on small random weights, picture by picture.

A case is a folder in diffusers' layout (weights in float16, computed in float32) and io/io.safetensors with the source
`picture`, the `noise` it starts from, the `fresh` noise of every step, and what the pipeline made of them: the last
`latent` and the edited `pixels` in [0, 1].
"""
import argparse
import inspect
import json
import pathlib
import random

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

WORDS = ["make", "it", "snow", "the", "red", "block", "melts", "what", "if", "rain", "would", "happen"]
STOCHASTIC = {"DDPMScheduler", "EulerAncestralDiscreteScheduler"}
SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
COMMITTED = [
    ("EulerAncestralDiscreteScheduler", {**SD, "timestep_spacing": "linspace"}, 5, 7.5, 1.5),
    ("DDIMScheduler", {**SD, "steps_offset": 1, "set_alpha_to_one": False, "clip_sample": False,
                       "prediction_type": "v_prediction"}, 4, 3.0, 1.0),
    ("PNDMScheduler", {**SD, "steps_offset": 1, "skip_prk_steps": True}, 4, 1.0, 1.5),
]


def byte_symbols():
    """CLIP's printable stand-ins for the 256 bytes."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(folder, max_length, pad_token):
    folder.mkdir(parents=True, exist_ok=True)
    symbols = byte_symbols()
    tokens, merges = symbols + [symbol + "</w>" for symbol in symbols], []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair = (parts[0], parts[1])
            if pair not in merges:
                merges.append(pair)
            parts = ["".join(pair), *parts[2:]]
    tokens += dict.fromkeys("".join(pair) for pair in merges if "".join(pair) not in tokens)
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
               "pad_token": pad_token}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**special, "model_max_length": max_length, "tokenizer_class": "CLIPTokenizer"}))
    return len(tokens)


def random_scheduler(rng):
    name = rng.choice(["DDIMScheduler", "DDPMScheduler", "PNDMScheduler", "EulerDiscreteScheduler",
                       "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler"])
    options = {**SD, "timestep_spacing": rng.choice(["leading", "trailing", "linspace"]),
               "prediction_type": rng.choice(["epsilon", "v_prediction"]), "steps_offset": rng.choice([0, 1]),
               "clip_sample": False, "skip_prk_steps": True, "set_alpha_to_one": rng.random() < 0.5}
    accepted = inspect.signature(getattr(diffusers, name).__init__).parameters
    return name, {key: value for key, value in options.items() if key in accepted}


def build(folder, scheduler_name, scheduler_options, rng):
    width = rng.choice([16, 24])
    max_length = rng.choice([12, 20])
    vocab = write_tokenizer(folder / "tokenizer", max_length, rng.choice(["<|endoftext|>", "!"]))
    text = transformers.CLIPTextModel(transformers.CLIPTextConfig(
        vocab_size=vocab, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=max_length, bos_token_id=vocab - 2, eos_token_id=vocab - 1,
        hidden_act=rng.choice(["quick_gelu", "gelu"]), projection_dim=width))
    levels = rng.choice([2, 3])
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8,) * levels, down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels, norm_num_groups=4,
        scaling_factor=rng.choice([0.18215, 0.5]))
    unet = diffusers.UNet2DConditionModel(
        sample_size=16 // 2 ** (levels - 1), in_channels=8, out_channels=4, block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1, cross_attention_dim=width, attention_head_dim=rng.choice([2, 4]), norm_num_groups=4,
        use_linear_projection=rng.random() < 0.5)
    for module in (text, vae, unet):
        for parameter in module.parameters():
            parameter.data.copy_(parameter.data.half().float())
    scheduler = getattr(diffusers, scheduler_name)(**scheduler_options)
    pipeline = diffusers.StableDiffusionInstructPix2PixPipeline(
        vae.eval(), text.eval(), transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer"), unet.eval(),
        scheduler, None, None, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    unet.half().save_pretrained(folder / "unet")
    vae.half().save_pretrained(folder / "vae")
    text.half().save_pretrained(folder / "text_encoder")
    scheduler.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({
        "_class_name": "StableDiffusionInstructPix2PixPipeline", "requires_safety_checker": False,
        "feature_extractor": [None, None], "safety_checker": [None, None], "scheduler": ["diffusers", scheduler_name],
        "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}, indent=2) + "\n")
    return pipeline.to(torch.float32)


def write_case(folder, scheduler_name, scheduler_options, steps, guidance, image_guidance, rng, generator):
    pipeline = build(folder, scheduler_name, scheduler_options, rng)
    picture = torch.randint(0, 256, (16, 16, 3), generator=generator, dtype=torch.uint8)
    side = pipeline.unet.config.sample_size
    noise = torch.randn(1, 4, side, side, generator=generator)
    fresh = torch.randn(2 * steps, 1, 4, side, side, generator=generator)
    if scheduler_name in STOCHASTIC:
        draws = iter(fresh)
        inspect.getmodule(type(pipeline.scheduler)).randn_tensor = lambda *_, **__: next(draws)
    instruction = " ".join(rng.sample(WORDS, 4))
    outputs = {}

    def keep(_pipeline, _step, _timestep, tensors):
        outputs["latent"] = tensors["latents"]
        return tensors

    image = Image.fromarray(np.asarray(picture))
    pixels = pipeline(instruction, image=image, num_inference_steps=steps, guidance_scale=guidance,
                      image_guidance_scale=image_guidance, latents=noise, output_type="pt",
                      callback_on_step_end=keep).images
    (folder / "io").mkdir(exist_ok=True)
    tensors = {"picture": picture, "noise": noise, "fresh": fresh, "latent": outputs["latent"], "pixels": pixels}
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()},
              str(folder / "io" / "io.safetensors"),
              {"instruction": instruction, "steps": str(steps), "guidance": str(guidance),
               "image_guidance": str(image_guidance)})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/edit/data/instruct-pix2pix")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases instead of the committed ones")
    args = parser.parse_args()
    rng, generator = random.Random(args.seed), torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    cases = COMMITTED
    if args.cases:
        cases = [(*random_scheduler(rng), rng.randint(1, 8), rng.choice([1.0, 2.5, 7.5]), rng.choice([1.0, 1.5, 2.0]))
                 for _ in range(args.cases)]
    with torch.no_grad():
        for i, case in enumerate(cases):
            write_case(args.out / f"case-{i:02}", *case, rng, generator)


if __name__ == "__main__":
    main()
