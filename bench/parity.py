#!/usr/bin/env python3
"""The Python side of `reasonbrain bench parity`: random models of the reference classes at a middling size.

  parity.py make COMPONENT --folder DIR    writes the model's folder, io/inputs.safetensors and io/bench.json;
                                           nothing where no case is known
  parity.py time COMPONENT --folder DIR    times forward, and forward with backward; writes io/times.json
  parity.py start COMPONENT --folder DIR   imports, loads, runs once: its caller measures the time

Needs torch, transformers, diffusers and safetensors; see scripts/golden/ for the versions.
"""
import argparse
import json
import pathlib
import time

import torch
from safetensors.torch import load_file, save_file


def clip_vision():
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection as Model
    config = CLIPVisionConfig(hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=6,
                              image_size=224, patch_size=14, projection_dim=256)
    return Model, Model(config), {"pixel_values": torch.randn(2, 3, 224, 224)}, "last_hidden_state"


def clip_text():
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection as Model
    config = CLIPTextConfig(hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=6,
                            vocab_size=4096, projection_dim=256, eos_token_id=4095)
    return Model, Model(config), {"input_ids": torch.randint(0, 4095, (4, 77))}, "last_hidden_state"


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM as Model
    config = LlamaConfig(hidden_size=512, intermediate_size=1376, num_hidden_layers=6, num_attention_heads=8,
                         num_key_value_heads=4, vocab_size=4096, max_position_embeddings=1024)
    return Model, Model(config), {"input_ids": torch.randint(0, 4096, (2, 256))}, "logits"


def llava():
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration as Model
    vision = CLIPVisionConfig(hidden_size=256, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=4,
                              image_size=112, patch_size=14)
    text = LlamaConfig(hidden_size=384, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=6,
                       vocab_size=4096)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=4095)
    ids = torch.randint(0, 4095, (2, 128))
    ids[:, 4:68] = 4095  # 8 x 8 patches
    return Model, Model(config), {"input_ids": ids, "pixel_values": torch.randn(2, 3, 112, 112)}, "logits"


def t5_encoder():
    from transformers import T5Config, T5EncoderModel as Model
    config = T5Config(d_model=384, d_kv=64, d_ff=1024, num_layers=6, num_heads=6, vocab_size=4096,
                      feed_forward_proj="gated-gelu")
    return Model, Model(config), {"input_ids": torch.randint(0, 4096, (2, 256))}, "last_hidden_state"


def qformer():
    from transformers import Blip2QFormerConfig, Blip2QFormerModel as Model
    config = Blip2QFormerConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=6, intermediate_size=1536,
                                encoder_hidden_size=512, cross_attention_frequency=2)
    return Model, Model(config), {"query_embeds": torch.randn(4, 77, 384),
                                  "encoder_hidden_states": torch.randn(4, 64, 512)}, "last_hidden_state"


def unet():
    from diffusers import UNet2DConditionModel as Model
    model = Model(sample_size=32, in_channels=4, out_channels=4, block_out_channels=(96, 192, 288),
                  down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
                  up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), layers_per_block=2,
                  cross_attention_dim=256, attention_head_dim=8, norm_num_groups=32)
    return Model, model, {"sample": torch.randn(1, 4, 32, 32), "timestep": torch.tensor([500]),
                          "encoder_hidden_states": torch.randn(1, 77, 256)}, "sample"


def autoencoder():
    from diffusers import AutoencoderKL as Model
    return Model, Model(block_out_channels=(64, 128, 128), down_block_types=("DownEncoderBlock2D",) * 3,
                        up_block_types=("UpDecoderBlock2D",) * 3, layers_per_block=2, latent_channels=4)


def vae_encode():
    return *autoencoder(), {"sample": torch.rand(1, 3, 128, 128) * 2 - 1}, "mean"


def vae_decode():
    return *autoencoder(), {"latent": torch.randn(1, 4, 32, 32)}, "sample"


def flux():
    from diffusers import FluxTransformer2DModel as Model
    model = Model(in_channels=64, num_layers=2, num_single_layers=4, attention_head_dim=64, num_attention_heads=6,
                  joint_attention_dim=256, pooled_projection_dim=128, guidance_embeds=True, axes_dims_rope=(16, 24, 24))
    grid = torch.stack(torch.meshgrid(torch.zeros(1), torch.arange(16.), torch.arange(16.), indexing="ij"), -1)
    return Model, model, {"hidden_states": torch.randn(1, 256, 64), "encoder_hidden_states": torch.randn(1, 64, 256),
                          "pooled_projections": torch.randn(1, 128), "timestep": torch.tensor([0.5]),
                          "guidance": torch.tensor([3.5]), "img_ids": grid.reshape(-1, 3),
                          "txt_ids": torch.zeros(64, 3)}, "sample"


def sam():
    from transformers import SamConfig, SamModel as Model
    config = SamConfig(vision_config=dict(hidden_size=192, num_hidden_layers=4, num_attention_heads=3, mlp_dim=768,
                                          output_channels=64, image_size=256, patch_size=16, window_size=7,
                                          global_attn_indexes=[1, 3], num_pos_feats=32),
                       prompt_encoder_config=dict(hidden_size=64, image_size=256, patch_size=16,
                                                  image_embedding_size=16),
                       mask_decoder_config=dict(hidden_size=64, mlp_dim=256, num_attention_heads=4,
                                                iou_head_hidden_dim=64))
    return Model, Model(config), {"pixel_values": torch.randn(1, 3, 256, 256),
                                  "input_points": torch.rand(1, 16, 1, 2) * 256}, "pred_masks"


CASES = {"clip-vision": clip_vision, "clip-text": clip_text, "llama": llama, "llava": llava, "t5-encoder": t5_encoder,
         "qformer": qformer, "unet": unet, "vae-encode": vae_encode, "vae-decode": vae_decode, "flux": flux, "sam": sam}


def call(component, model, inputs, output):
    if component == "vae-encode":
        return model.encode(inputs["sample"]).latent_dist.mean
    if component == "vae-decode":
        return model.decode(inputs["latent"]).sample
    return model(**inputs)[output]


def make(component, folder):
    if component not in CASES:
        return
    torch.manual_seed(1)
    model_class, model, inputs, output = CASES[component]()
    model.eval().save_pretrained(folder)
    (folder / "io").mkdir()
    save_file({name: value.contiguous() for name, value in inputs.items()}, str(folder / "io/inputs.safetensors"))
    details = {"output": output, "module": model_class.__module__, "class": model_class.__name__}
    (folder / "io/bench.json").write_text(json.dumps(details))


def load(folder):
    import importlib
    details = json.loads((folder / "io/bench.json").read_text())
    model_class = getattr(importlib.import_module(details["module"]), details["class"])
    return model_class.from_pretrained(folder).eval(), load_file(str(folder / "io/inputs.safetensors")), details["output"]


def best_of(repeat, clock, body):
    body()  # the first is slow
    times = []
    for _ in range(repeat):
        start = clock()
        body()
        times.append(clock() - start)
    return min(times)


def measure(component, folder, repeat, clock):
    model, inputs, output = load(folder)

    def forward():
        with torch.no_grad():
            call(component, model, inputs, output)

    def both():
        model.zero_grad(set_to_none=True)
        for value in inputs.values():
            value.grad = None
        call(component, model, inputs, output).sum().backward()

    times = {"forward": best_of(repeat, clock, forward)}
    for name, value in inputs.items():
        if value.is_floating_point() and name not in ("timestep", "guidance", "img_ids", "txt_ids", "input_points"):
            value.requires_grad_(True)
    times["both"] = best_of(repeat, clock, both)
    (folder / "io/times.json").write_text(json.dumps(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["make", "time", "start"])
    parser.add_argument("component")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.mode == "make":
        make(args.component, args.folder)
    elif args.mode == "time":
        measure(args.component, args.folder, args.repeat, time.process_time if args.threads == 1 else time.perf_counter)
    else:
        model, inputs, output = load(args.folder)
        with torch.no_grad():
            call(args.component, model, inputs, output)


if __name__ == "__main__":
    main()
