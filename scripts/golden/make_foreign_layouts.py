#!/usr/bin/env python3
"""Writes golden cases (tests/models/reference.h) whose weights stand in another layout than the reference class's:
Stable Diffusion's original code (UNet, autoencoder, text), OpenAI's and OpenCLIP's CLIP, LAVIS' QFormer, Meta's LLaMA,
Google's T5; single safetensors, whole checkpoints, zip pickles. Gradients are those of the foreign tensors."""
import argparse
import json
import pathlib
import random
import re

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from make_unet_vae_qformer import DTYPES, random_qformer, random_unet, random_vae, randomise
from safetensors.torch import save_file
from t5 import random_t5
from transformers import (Blip2QFormerConfig, Blip2QFormerModel, CLIPTextConfig, CLIPTextModelWithProjection,
                          CLIPVisionConfig, CLIPVisionModelWithProjection, LlamaConfig, LlamaForCausalLM, T5Config,
                          T5EncoderModel)

LEAST_GRADIENT = 1e-6  # of the largest: smaller ones are zero in exact arithmetic


def write_weights(folder, weights, container):
    weights = {key: value.contiguous().clone() for key, value in weights.items()}
    if container == "safetensors":
        save_file(weights, str(folder / "weights.safetensors"), {"format": "pt"})
    elif container == "ckpt":
        torch.save({"epoch": 1, "state_dict": weights, "global_step": torch.tensor(9)}, folder / "model.ckpt")
    elif container == "pth":
        torch.save(weights, folder / "weights.pth")
    else:  # shards of pickles with an index
        keys = sorted(weights)
        names = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
        for i, name in enumerate(names):
            torch.save({key: weights[key] for key in keys[i::2]}, folder / name)
        index = {"metadata": {}, "weight_map": {key: names[i % 2] for i, key in enumerate(keys)}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def write_case(folder, model, run, inputs, convert, extras, config, container, dtype, rng, generator, num_grads):
    """convert(tensors by the reference's names) -> tensors by foreign names; extras: foreign tensors beside."""
    features = {name: value for name, value in inputs.items() if value.is_floating_point() and name != "timestep"}
    for value in features.values():
        value.requires_grad_(True)
    outputs = run(inputs)
    cotangents = {name: torch.randn(value.shape, generator=generator) for name, value in outputs.items()}
    sum((cotangents[name] * value).sum() for name, value in outputs.items()).backward()
    gradients = convert({name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                         for name, parameter in model.named_parameters()})
    largest = max(gradient.abs().max() for gradient in gradients.values())
    keys = sorted(key for key, gradient in gradients.items() if gradient.abs().max() > LEAST_GRADIENT * largest)
    keys = keys if num_grads < 0 else rng.sample(keys, min(num_grads, len(keys)))
    tensors = dict(inputs)
    tensors |= {f"cotangent.{name}": value for name, value in cotangents.items()}
    tensors |= {f"expect.{name}": value for name, value in outputs.items()}
    tensors |= {f"expect.grad.{name}": value.grad if value.grad is not None else torch.zeros_like(value)
                for name, value in features.items()}
    tensors |= {f"expect.grad.param.{key}": gradients[key] for key in keys}
    (folder / "io").mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().contiguous().clone() for name, value in tensors.items()},
              str(folder / "io/io.safetensors"), {"grad_params": ",".join(keys)})
    weights = convert({name: value.detach().to(dtype) for name, value in model.named_parameters()}) | extras
    write_weights(folder, weights, container)
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def renamed(rules):
    def convert(tensors):
        out = {}
        for key, value in tensors.items():
            out |= rules(key, value)
        return out
    return convert


def prefixed(convert, prefix):
    return lambda tensors: {prefix + key: value for key, value in convert(tensors).items()}


UNET_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
               "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}


def ldm_unet(config):
    """Walks the original code's constructor: which block holds what."""
    places = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0",
              "time_embedding.linear_2": "time_embed.2", "conv_norm_out": "out.0", "conv_out": "out.2",
              "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
              "mid_block.resnets.1": "middle_block.2"}
    levels = len(config["block_out_channels"])
    layers = config["layers_per_block"]
    layers = layers if isinstance(layers, list) else [layers] * levels
    block = 0
    for level in range(levels):
        for layer in range(layers[level]):
            block += 1
            places[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{block}.0"
            places[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{block}.1"
        if level < levels - 1:
            block += 1
            places[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{block}.0.op"
    block = -1
    for level in range(levels):
        attention = config["up_block_types"][level].startswith("CrossAttn")
        for layer in range(layers[levels - 1 - level] + 1):
            block += 1
            places[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{block}.0"
            places[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{block}.1"
        places[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{block}.{2 if attention else 1}.conv"

    def rules(key, value):
        place = max((p for p in places if key.startswith(p + ".")), key=len)
        rest = key[len(place) + 1:]
        if ".resnets." in place:
            name, part = rest.rsplit(".", 1)
            rest = f"{UNET_RESNET[name]}.{part}"
        return {f"{places[place]}.{rest}": value}
    return renamed(rules)


def ldm_vae(config):
    levels = len(config["block_out_channels"])
    names = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}

    def rules(key, value):
        if ".attentions." in key:
            head, rest = key.split(".attentions.")
            index, name, part = rest[0], rest[2:].rsplit(".", 1)[0], rest.rsplit(".", 1)[1]
            key = f"{head}.attentions.{index}.{names[name]}.{part}"
            if value.dim() == 2:
                value = value[:, :, None, None]
        for i in range(levels):
            key = key.replace(f"decoder.up_blocks.{i}.", f"decoder.up.{levels - 1 - i}.")
            key = key.replace(f"encoder.down_blocks.{i}.", f"encoder.down.{i}.")
        key = key.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
        key = key.replace("mid_block.attentions.0", "mid.attn_1").replace(".attentions.", ".attn.")
        key = key.replace(".resnets.", ".block.").replace("conv_shortcut", "nin_shortcut")
        key = key.replace("downsamplers.0", "downsample").replace("upsamplers.0", "upsample")
        return {key.replace("conv_norm_out", "norm_out"): value}
    return renamed(rules)


def original_clip(tower):
    """OpenAI's names. tower: visual or text."""
    root = "visual." if tower == "visual" else ""
    model = "vision_model." if tower == "visual" else "text_model."
    fixed = {"embeddings.class_embedding": "class_embedding", "embeddings.position_embedding.weight":
             "positional_embedding", "embeddings.patch_embedding.weight": "conv1.weight",
             "embeddings.token_embedding.weight": "token_embedding.weight"}
    parts = {"pre_layrnorm.": "ln_pre.", "post_layernorm.": "ln_post.", "final_layer_norm.": "ln_final."}
    layer = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}

    def convert(tensors):
        out = {}
        for key, value in tensors.items():
            if key in ("visual_projection.weight", "text_projection.weight"):
                out[root + ("proj" if tower == "visual" else "text_projection")] = value.t()
                continue
            key = key.removeprefix(model)
            if key in fixed:
                out[root + fixed[key]] = value
            elif key.startswith("encoder.layers."):
                index, rest = key.removeprefix("encoder.layers.").split(".", 1)
                name, part = rest.rsplit(".", 1)
                place = f"{root}transformer.resblocks.{index}."
                if name in layer:
                    out[f"{place}{layer[name]}.{part}"] = value
                elif name.endswith("q_proj"):
                    prefix = f"{model}encoder.layers.{index}.self_attn."
                    out[f"{place}attn.in_proj_{part}"] = torch.cat(
                        [tensors[f"{prefix}{x}_proj.{part}"] for x in "qkv"])
            else:
                for ours, theirs in parts.items():
                    key = key.replace(ours, theirs)
                out[root + key] = value
        return out
    return convert


def lavis(key, value):
    key = key.replace("layernorm.", "embeddings.LayerNorm.") if key.startswith("layernorm.") else key
    for name in ("attention", "crossattention"):
        key = key.replace(f".{name}.attention.", f".{name}.self.")
    return {"Qformer.bert." + key: value}


def unet_case(folder, common):
    rng, generator = common["rng"], common["generator"]
    config, (batch, height, length), tokens, _ = random_unet(rng)
    config |= {"mid_block_type": "UNetMidBlock2DCrossAttn", "time_cond_proj_dim": None}
    model = randomise(UNet2DConditionModel(**config), common["dtype"], generator)
    width = config["cross_attention_dim"]
    inputs = {"sample": torch.randn(batch, config["in_channels"], height, length, generator=generator),
              "timestep": torch.randint(0, 1000, (batch,), generator=generator),
              "encoder_hidden_states": torch.randn(
                  batch, tokens, width if isinstance(width, int) else width[0], generator=generator)}
    whole = rng.random() < 0.5
    extras = {"betas": torch.ones(3), "first_stage_model.conv.weight": torch.ones(2), "model_ema.decay": torch.ones(()),
              "cond_stage_model.transformer.x": torch.ones(1), "sqrt_alphas_cumprod": torch.ones(2)}
    convert = ldm_unet(config)
    write_case(folder, model, lambda given: {"sample": model(**given).sample}, inputs,
               prefixed(convert, "model.diffusion_model.") if whole else convert, extras if whole else {},
               {"_class_name": "UNet2DConditionModel", **config}, **common)


def vae_case(out, name, common):
    rng, generator = common["rng"], common["generator"]
    config = random_vae(rng)
    model = randomise(AutoencoderKL(**config), common["dtype"], generator)
    state = model.state_dict()
    sample = torch.rand(2, config["in_channels"], 8, 12, generator=generator) * 2 - 1
    whole = rng.random() < 0.5
    convert = prefixed(ldm_vae(config), "first_stage_model.") if whole else ldm_vae(config)
    extras = {"model.diffusion_model.x": torch.ones(1)} if whole else {"loss.logvar": torch.ones(1)}

    def encode(given):
        posterior = model.encode(given["sample"]).latent_dist
        return {"mean": posterior.mean, "logvar": posterior.logvar}

    write_case(out / "vae-encode" / name, model, encode, {"sample": sample}, convert, extras, config, **common)
    model = AutoencoderKL(**config).eval()
    model.load_state_dict(state)
    latent = torch.randn(2, config["latent_channels"], 3, 2, generator=generator)
    write_case(out / "vae-decode" / name, model, lambda given: {"sample": model.decode(given["latent"]).sample},
               {"latent": latent}, convert, extras, config, **common)


def clip_case(out, name, common):
    rng, generator = common["rng"], common["generator"]
    heads = rng.choice([1, 2, 4])
    base = {"hidden_size": heads * rng.choice([4, 6]), "num_attention_heads": heads, "intermediate_size": 20,
            "num_hidden_layers": rng.randint(1, 3), "projection_dim": rng.choice([5, 8]),
            "hidden_act": rng.choice(["quick_gelu", "gelu"])}
    config = CLIPVisionConfig(**base, image_size=12, patch_size=4)
    model = randomise(CLIPVisionModelWithProjection(config), common["dtype"], generator)

    def look(given):
        output = model(**given, output_hidden_states=True)
        return {"last_hidden_state": output.last_hidden_state, "image_embeds": output.image_embeds} | {
            f"hidden_states.{i}": state for i, state in enumerate(output.hidden_states)}

    both = rng.random() < 0.5
    text_keys = {"token_embedding.weight": torch.ones(2), "logit_scale": torch.ones(()), "ln_final.weight": torch.ones(2),
                 "transformer.resblocks.0.ln_1.weight": torch.ones(3), "text_projection": torch.ones(2, 2)}
    write_case(out / "clip-vision" / name, model, look,
               {"pixel_values": torch.randn(2, 3, 12, 12, generator=generator)}, original_clip("visual"),
               text_keys if both else {}, config.to_dict(), **common)

    config = CLIPTextConfig(**base, vocab_size=40, max_position_embeddings=9, eos_token_id=39, bos_token_id=38,
                            pad_token_id=1)
    text = randomise(CLIPTextModelWithProjection(config), common["dtype"], generator)
    ids = torch.randint(0, 38, (2, 9), generator=generator)
    ids[:, 6] = 39

    def read(given):
        output = text(**given, output_hidden_states=True)
        states = output.hidden_states
        return {"last_hidden_state": output.last_hidden_state, "text_embeds": output.text_embeds,
                "pooler_output": output.last_hidden_state[:, 6]} | {
            f"hidden_states.{i}": state for i, state in enumerate(states)}

    whole = rng.random() < 0.5
    place = f"transformer.resblocks.{config.num_hidden_layers}."
    extras = {place + "ln_1.weight": torch.ones(2), place + "attn.in_proj_weight": torch.ones(6, 2),
              "logit_scale": torch.ones(())}
    convert = original_clip("text")
    if whole:
        convert = prefixed(convert, "cond_stage_model.model.")
        extras = {"cond_stage_model.model." + key: value for key, value in extras.items()}
        extras["alphas_cumprod"] = torch.ones(2)
    write_case(out / "clip-text" / name, text, read, {"input_ids": ids}, convert, extras, config.to_dict(), **common)


def qformer_case(folder, common):
    rng, generator = common["rng"], common["generator"]
    options = random_qformer(rng) | {"use_qformer_text_input": False}
    config = Blip2QFormerConfig(**options)
    model = randomise(Blip2QFormerModel(config), common["dtype"], generator)
    inputs = {"query_embeds": torch.randn(2, 3, config.hidden_size, generator=generator),
              "encoder_hidden_states": torch.randn(2, 4, config.encoder_hidden_size, generator=generator)}
    extras = {"query_tokens": torch.ones(1, 3, config.hidden_size), "Qformer.cls.predictions.bias": torch.ones(4),
              "Qformer.bert.embeddings.word_embeddings.weight": torch.ones(5, config.hidden_size),
              "Qformer.bert.embeddings.position_ids": torch.arange(4)[None],
              "Qformer.bert.encoder.layer.0.intermediate.dense.weight": torch.ones(2, 2),
              "Qformer.bert.encoder.layer.0.output.LayerNorm.bias": torch.ones(2), "temp": torch.ones(())}
    write_case(folder, model, lambda given: {"last_hidden_state": model(**given).last_hidden_state}, inputs,
               renamed(lavis), extras if rng.random() < 0.7 else {}, config.to_dict(), **common)


META = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
        "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2",
        "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}


def meta_llama(config):
    heads = {"attention.wq": config.num_attention_heads, "attention.wk": config.num_key_value_heads}

    def rules(key, value):
        if key == "model.embed_tokens.weight":
            return {"tok_embeddings.weight": value} | ({"output.weight": value} if config.tie_word_embeddings else {})
        if key in ("lm_head.weight", "model.norm.weight"):
            return {"output.weight" if key.startswith("lm_head") else "norm.weight": value}
        layer, name = re.fullmatch(r"model\.layers\.(\d+)\.(.+)\.weight", key).groups()
        name = META[name]
        if name in heads:  # transformers turns coordinate i with i + half of a head, Meta with its neighbour
            rows = [head * (value.shape[0] // heads[name]) + place for head in range(heads[name])
                    for i in range(value.shape[0] // heads[name] // 2)
                    for place in (i, i + value.shape[0] // heads[name] // 2)]
            value = value[rows]
        return {f"layers.{layer}.{name}.weight": value}
    return renamed(rules)


def llama_case(folder, common):
    rng, generator = common["rng"], common["generator"]
    kv, head_dim = rng.choice([1, 2]), rng.choice([4, 6])
    heads = kv * rng.choice([1, 2, 3])
    config = LlamaConfig(hidden_size=heads * head_dim, num_attention_heads=heads, num_key_value_heads=kv,
                         intermediate_size=rng.choice([12, 20]), num_hidden_layers=rng.randint(1, 3), vocab_size=25,
                         tie_word_embeddings=rng.random() < 0.3, rms_norm_eps=rng.choice([1e-6, 1e-5]))
    model = randomise(LlamaForCausalLM(config), common["dtype"], generator)

    def read(given):
        output = model(**given, output_hidden_states=True)
        return {"logits": output.logits} | {f"hidden_states.{i}": s for i, s in enumerate(output.hidden_states)}

    extras = {"rope.freqs": torch.ones(head_dim // 2)} if rng.random() < 0.5 else {}
    write_case(folder, model, read, {"input_ids": torch.randint(0, 25, (2, 7), generator=generator)}, meta_llama(config),
               extras, config.to_dict(), **common)


def google_t5(gated):
    """Variables of Mesh TensorFlow, whose matrices are [in, out]; v1.1 calls its norms rms_norm."""
    def rules(key, value):
        if key == "shared.weight":
            return {"shared/embedding": value}
        name = re.sub(r"encoder\.block\.(\d+)\.layer\.(\d+)\.",
                      lambda m: f"encoder/block_{int(m[1]):03}/layer_{int(m[2]):03}/", key).removesuffix(".weight")
        if "layer_norm" in name:
            name = name.replace("encoder.", "encoder/") + "/scale"
            return {re.sub("(final_)?layer_norm", "rms_norm", name) if gated else name: value}
        name = name.replace(".", "/") + ("/kernel" if "DenseReluDense" in name else "")
        return {name: value.t()}
    return renamed(rules)


def t5_case(folder, common):
    rng, generator = common["rng"], common["generator"]
    config = T5Config(**random_t5(rng))
    model = randomise(T5EncoderModel(config), common["dtype"], generator)
    extras = {"decoder/block_000/layer_000/SelfAttention/q": torch.ones(2, 2), "global_step": torch.ones(()),
              "shared/embedding_slot_vr": torch.ones(3)}
    write_case(folder, model, lambda given: {"last_hidden_state": model(**given).last_hidden_state},
               {"input_ids": torch.randint(0, config.vocab_size, (2, 9), generator=generator)},
               google_t5(config.is_gated_act), extras if rng.random() < 0.6 else {}, config.to_dict(), **common)


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
    containers = ["ckpt", "safetensors", "pth", "shards"]
    for i in range(args.cases or 1):
        common = {"container": containers[i % 4], "dtype": DTYPES[i % 3], "rng": rng, "generator": generator,
                  "num_grads": -1 if args.cases else 12}
        name = f"layout-{i:02}"
        unet_case(args.out / "unet" / name, common)
        vae_case(args.out, name, common)
        clip_case(args.out, name, common)
        qformer_case(args.out / "qformer" / name, common)
        llama_case(args.out / "llama" / name, common)
        t5_case(args.out / "t5-encoder" / name, common)


if __name__ == "__main__":
    main()
