#!/usr/bin/env python3
"""The Python side of `reasonbrain bench train --python`: one training step of a stage, in plain PyTorch.

  train_twin.py --folder DIR --steps N --warm-up N --threads N

DIR/step.json names the stage, the losses and the optimiser; DIR/model/ is a model folder (its configurations are read),
DIR/weights.safetensors the stage's weights, DIR/batch.safetensors its batch. The step is built of CLIPVisionModel,
CLIPTextModel, LlamaForCausalLM and Blip2QFormerModel of transformers, UNet2DConditionModel of diffusers, and of plain
modules where there is no reference. Weights are loaded strictly, so both sides train the same parameters, and the first
loss is reported for comparison. Writes DIR/times.json: {"loss", "cpu": [seconds of each step], "wall": [..]}.

Needs torch, transformers, diffusers and safetensors; see scripts/golden/ for the versions.
"""
import argparse
import json
import math
import pathlib
import time

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn
from transformers import (Blip2QFormerConfig, Blip2QFormerModel, CLIPTextConfig, CLIPTextModel, CLIPVisionConfig,
                          CLIPVisionModel, LlamaConfig, LlamaForCausalLM)

EPS = 1e-5
NUM_GEOMETRY = 8


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, query, key, keep=None):
        def split(x):
            return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

        mask = None if keep is None else keep[:, None, None, :]
        mixed = F.scaled_dot_product_attention(split(self.q_proj(query)), split(self.k_proj(key)),
                                               split(self.v_proj(key)), mask)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class CrossAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm_query, self.norm_key = nn.LayerNorm(width, EPS), nn.LayerNorm(width, EPS)
        self.attention = Attention(width, heads)

    def forward(self, query, key, keep=None):
        return query + self.attention(self.norm_query(query), self.norm_key(key), keep)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.fc1, self.fc2 = nn.LayerNorm(width, EPS), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return x + self.fc2(F.gelu(self.fc1(self.norm(x))))


class TransformerLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm, self.attention, self.feed_forward = nn.LayerNorm(width, EPS), Attention(width, heads), FeedForward(width)

    def forward(self, x, keep=None):
        normed = self.norm(x)
        return self.feed_forward(x + self.attention(normed, normed, keep))


def append_row(tokens, row):
    return torch.cat([tokens, row.expand(tokens.shape[0], 1, -1)], 1)


def append_true(keep):
    return F.pad(keep, (0, 1), value=True)


def grid_positions(side, width):
    quarter = width // 4
    angle = torch.arange(side).unsqueeze(1) * torch.exp(torch.arange(quarter) * (-math.log(10000.0) / quarter))
    axis = torch.cat([angle.sin(), angle.cos()], 1)
    rows, columns = axis.unsqueeze(1).expand(side, side, -1), axis.unsqueeze(0).expand(side, side, -1)
    return torch.cat([rows, columns], 2).reshape(side * side, width)


class Frce(nn.Module):
    """Fine-grained reasoning cue extraction, and the ID Controller."""

    def __init__(self, o, vision_width, text_width):
        super().__init__()
        d, heads, frce = o["width"], o["num_heads"], o["frce"]

        def parameter(*sizes):
            return nn.Parameter(torch.empty(*sizes))

        self.scale_proj = nn.ModuleList(nn.Linear(vision_width, d) for _ in frce["layers"])
        self.scale_embedding = parameter(len(frce["layers"]), d)
        self.patch_layers = nn.ModuleList(TransformerLayer(d, heads) for _ in range(frce["patch_layers"]))
        self.patch_norm = nn.LayerNorm(d, EPS)
        self.region_proj, self.geometry_proj, self.null_region = nn.Linear(d, d), nn.Linear(NUM_GEOMETRY, d), parameter(d)
        self.region_layers = nn.ModuleList(TransformerLayer(d, heads) for _ in range(frce["region_layers"]))
        self.region_norm = nn.LayerNorm(d, EPS)
        self.object_proj, self.null_object = nn.Linear(text_width, d), parameter(d)
        self.id_cross, self.id_ff, self.id_norm = CrossAttention(d, heads), FeedForward(d), nn.LayerNorm(d, EPS)

    def forward(self, scales, objects, batch):
        features = sum(proj(x) + embedding for proj, x, embedding in zip(self.scale_proj, scales, self.scale_embedding))
        features = features + grid_positions(math.isqrt(features.shape[1]), features.shape[2])
        local = features
        for layer in self.patch_layers:
            local = layer(local)
        local = self.patch_norm(local)
        weights = batch["region_weights"]
        pooled = weights @ features / weights.sum(-1, keepdim=True).clamp_min(1e-6)
        regions = append_row(self.region_proj(pooled) + self.geometry_proj(batch["region_geometry"]), self.null_region)
        region_keep = append_true(batch["region_mask"])
        for layer in self.region_layers:
            regions = layer(regions, region_keep)
        regions = self.region_norm(regions)
        visual = torch.cat([local, regions], 1)
        visual_keep = torch.cat([torch.ones(local.shape[:2], dtype=torch.bool), region_keep], 1)
        tokens = append_row(self.object_proj(objects), self.null_object)
        tokens = self.id_norm(self.id_ff(self.id_cross(tokens, visual, visual_keep)))
        return {"features": features, "regions": regions, "visual": visual, "visual_keep": visual_keep,
                "objects": tokens, "objects_keep": append_true(batch["object_mask"])}


class Enhancer(nn.Module):
    """One half of the cross-modal enhancer."""

    def __init__(self, o):
        super().__init__()
        d, heads = o["width"], o["num_heads"]
        self.queries = nn.Parameter(torch.empty(o["num_queries"], d))
        for name in ("query_from_reasoning", "query_from_features", "features_from_cues", "enhanced_from_cues",
                     "features_from_reasoning"):
            setattr(self, name, CrossAttention(d, heads))
        self.reasoning_norm, self.features_norm = nn.LayerNorm(d, EPS), nn.LayerNorm(d, EPS)
        self.features_proj = nn.Linear(d, d)

    def forward(self, reasoning, features, features_keep, cues, cues_keep):
        f2 = self.features_from_cues(features, cues, cues_keep)
        f1 = self.query_from_reasoning(self.queries.expand(reasoning.shape[0], -1, -1), reasoning)
        reasoning = self.reasoning_norm(self.query_from_features(f1, f2, features_keep))
        f4 = self.enhanced_from_cues(self.features_from_reasoning(f2, reasoning), cues, cues_keep)
        return reasoning, self.features_norm(self.features_proj(f4))


class ImageAdapter(nn.Module):
    def __init__(self, o, vision_width, llm_width):
        super().__init__()
        self.pool = o["image_adapter"]["pool"]
        self.linear_1, self.linear_2 = nn.Linear(vision_width, llm_width), nn.Linear(llm_width, llm_width)

    def forward(self, patches):
        side = math.isqrt(patches.shape[1])
        grid = patches.transpose(1, 2).unflatten(2, (side, side))
        return self.linear_2(F.gelu(self.linear_1(F.avg_pool2d(grid, self.pool).flatten(2).transpose(1, 2))))


class Reasoner(nn.Module):
    def __init__(self, o, vision, text, llm, qformer):
        super().__init__()
        d, self.r = o["width"], o["num_guidance_tokens"]
        self.llm = LlamaForCausalLM(llm)
        width = llm.hidden_size
        self.image_adapter = ImageAdapter(o, vision.hidden_size, width)
        self.frce = Frce(o, vision.hidden_size, text.hidden_size)
        self.visual_to_llm, self.objects_to_llm = nn.Linear(d, width), nn.Linear(d, width)
        self.new_rows = nn.Parameter(torch.empty(self.r + 2, width))
        self.query_tokens = nn.Parameter(torch.empty(o["num_queries"], qformer.hidden_size))
        self.qformer = Blip2QFormerModel(qformer)
        if qformer.hidden_size != d:
            self.reasoning_to_cme = nn.Linear(qformer.hidden_size, d)
        self.text_to_cme = nn.Linear(text.hidden_size, d)
        self.cme_visual, self.cme_textual = Enhancer(o), Enhancer(o)

    def forward(self, towers, batch, paint):
        count = batch["instruction_ids"].shape[0]
        cues = self.frce(towers["scales"], towers["objects"], batch)
        embed, ones = self.llm.model.embed_tokens, torch.ones(count, 1, dtype=torch.bool)
        rows = self.new_rows.expand(count, -1, -1)
        image = self.image_adapter(towers["vision"])
        prefix = embed(batch["prefix_ids"]).expand(count, -1, -1)
        sequence = torch.cat([prefix, rows[:, self.r:self.r + 1], image, rows[:, self.r + 1:],
                              self.visual_to_llm(cues["visual"]), self.objects_to_llm(cues["objects"]),
                              embed(batch["instruction_ids"]), rows[:, :self.r]], 1)
        keep = torch.cat([ones.expand(-1, prefix.shape[1] + image.shape[1] + 2), cues["visual_keep"], cues["objects_keep"],
                          batch["instruction_mask"], ones.expand(-1, self.r)], 1)
        positions = (keep.long().cumsum(1) - 1).clamp_min(0)
        states = self.llm.model(inputs_embeds=sequence, attention_mask=keep.long(), position_ids=positions,
                                use_cache=False).last_hidden_state[:, -self.r:]
        out = {"cues": cues, "logits": self.llm.lm_head(states)}
        if paint:
            reasoning = self.qformer(query_embeds=self.query_tokens.expand(count, -1, -1),
                                     encoder_hidden_states=states).last_hidden_state
            if hasattr(self, "reasoning_to_cme"):
                reasoning = self.reasoning_to_cme(reasoning)
            visual, out["residual_visual"] = self.cme_visual(reasoning, cues["features"], None, cues["visual"],
                                                             cues["visual_keep"])
            textual, text = self.cme_textual(reasoning, self.text_to_cme(towers["text"]), batch["clip_mask"],
                                             cues["objects"], cues["objects_keep"])
            weight = batch["clip_mask"].float().unsqueeze(-1)
            out["residual_text"] = (text * weight).sum(1) / weight.sum(1).clamp_min(1)
            out["context"] = torch.cat([visual, textual], 1)
        return out


class Painter(nn.Module):
    def __init__(self, unet, width):
        super().__init__()
        self.unet = UNet2DConditionModel(**{key: value for key, value in unet.items() if key not in ("_class_name", "dtype")})
        channels, first = self.unet.config.in_channels, self.unet.config.block_out_channels[0]
        context_width = self.unet.config.cross_attention_dim
        self.conv_src = nn.Conv2d(channels, first, 3, padding=1, bias=False)
        self.residual_visual = nn.Conv2d(width, first, 1, bias=False)
        self.residual_text = nn.Linear(width, first, bias=False)
        self.context_proj = nn.Linear(width, context_width[0] if isinstance(context_width, (list, tuple)) else context_width)
        self.residual = None
        self.unet.conv_in.register_forward_hook(lambda module, inputs, output: output + self.residual)

    def forward(self, noisy, timestep, source, guidance, batch):
        def per_sample(keep, dims):
            return keep.view(-1, *[1] * dims)

        text = per_sample(batch["keep_text"], 2)
        context = guidance["context"]
        context = context * text + self.null_context[:context.shape[1]] * (1 - text)
        source = source * per_sample(batch["keep_image"], 3)
        self.residual = self.conv_src(source)
        both = per_sample(batch["keep_text"] * batch["keep_image"], 3)
        if "residual_visual" in guidance:
            tokens = guidance["residual_visual"]
            side = math.isqrt(tokens.shape[1])
            grid = F.interpolate(tokens.transpose(1, 2).unflatten(2, (side, side)), size=noisy.shape[2:], mode="bilinear")
            self.residual = self.residual + self.residual_visual(grid) * both
            self.residual = self.residual + self.residual_text(guidance["residual_text"])[:, :, None, None] * both
        output = self.unet(noisy, timestep, encoder_hidden_states=self.context_proj(context)).sample
        return self.compose(output, source, batch["open_gate"])

    def compose(self, output, source, open_gate):
        channels = source.shape[1]
        gates = channels // 3
        ground = source.unflatten(1, (3, gates)).flatten(2).median(2).values.repeat_interleave(gates, 1)[:, :, None, None]
        opened = F.pixel_unshuffle(open_gate, math.isqrt(gates))
        gate = torch.maximum(torch.sigmoid(output[:, channels:] - 2), opened).repeat(1, 3, 1, 1)
        return source + gate * (ground + output[:, :channels] * 2 - source)


class Answers(nn.Module):
    def __init__(self, vocabulary, words, width, heads):
        super().__init__()
        self.words, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(words, width)
        self.layer, self.norm = TransformerLayer(width, heads), nn.LayerNorm(width, EPS)

    def forward(self, ids):
        return self.norm(self.layer(self.words(ids) + self.positions.weight))


class Labels(nn.Module):
    def __init__(self, width, slots):
        super().__init__()
        self.slots = slots
        self.regions, self.objects = nn.Linear(width, sum(slots)), nn.Linear(width, sum(slots))

    def forward(self, head, tokens, labels):
        pieces = head(tokens[:, :labels.shape[1]]).split(self.slots, -1)
        return sum(F.cross_entropy(piece.flatten(0, 1), labels[:, :, i].flatten(), ignore_index=-1, reduction="sum")
                   for i, piece in enumerate(pieces))


class Twin(nn.Module):
    """The whole model under the names of the program's modules."""

    def __init__(self, folder, step, weights):
        super().__init__()

        def config(part):
            return json.loads((folder / "model" / part / "config.json").read_text())

        own = config("reason")
        o, denoiser = own["reason"], own["denoiser"]
        for name, got, known in (("codec", denoiser["codec"], ("pixel_blocks",)),
                                 ("prediction", denoiser["prediction"], ("copy_paint",)),
                                 ("mllm_scope", o["mllm_scope"], ("answer_words",)), ("cme.mode", o["cme"]["mode"], ("full",))):
            if got not in known:
                raise SystemExit(f"{name} is {got}; the twin is written for {' and '.join(known)}")
        self.block, self.layers, self.select = denoiser["pixel_block"], o["frce"]["layers"], o["image_adapter"]["select_layer"]
        vision, text = CLIPVisionConfig.from_dict(config("vision")), CLIPTextConfig.from_dict(config("text"))
        llm = LlamaConfig.from_dict(config("llm"))
        qformer = Blip2QFormerConfig(**own["qformer"], hidden_dropout_prob=0, attention_probs_dropout_prob=0)
        self.vision, self.text = CLIPVisionModel(vision), CLIPTextModel(text)
        self.reasoner = Reasoner(o, vision, text, llm, qformer)
        self.painter = Painter(config("denoiser"), o["width"])
        self.painter.null_context = nn.Parameter(torch.empty_like(weights["pipeline.denoiser.null_context"]))
        if step["label_slots"]:
            self.labels = Labels(o["width"], step["label_slots"])
        if "answers.positions.weight" in weights:
            self.answers = Answers(llm.vocab_size, self.reasoner.r, o["width"], o["num_heads"])
        self.step = step

    def rename(self, name):
        """The program's name of a parameter -> the one here; None for what this stage's step does not hold."""
        for theirs, ours in (("pipeline.encoder.vision.", "vision."), ("pipeline.encoder.text.", "text."),
                             ("pipeline.model.", "reasoner."), ("pipeline.denoiser.", "painter.")):
            if name.startswith(theirs):
                name = ours + name[len(theirs):]
        own = dict(self.named_parameters())
        for candidate in (name, name.replace("vision_model.", "").replace("text_model.", "")):
            if candidate in own:
                return candidate
        return None

    def load(self, weights, trained):
        own = dict(self.named_parameters())
        names = {name: self.rename(name) for name in weights}
        missing = set(own) - set(names.values())
        unknown = [name for name in trained if names[name] is None]
        if missing or unknown:
            raise SystemExit(f"the twin's parameters differ: missing {sorted(missing)}, unknown {sorted(unknown)}")
        for parameter in own.values():
            parameter.requires_grad_(False)
        with torch.no_grad():
            for name, ours in names.items():
                if ours is not None:
                    own[ours].copy_(weights[name])
        for name in trained:
            own[names[name]].requires_grad_(True)
        return {name: own[names[name]] for name in trained}

    def encode(self, batch):
        states = self.vision(pixel_values=batch["vision_pixels"], output_hidden_states=True).hidden_states
        ids = batch["object_ids"]
        return {"scales": [states[layer][:, 1:] for layer in self.layers], "vision": states[self.select][:, 1:],
                "text": self.text(input_ids=batch["clip_ids"]).last_hidden_state,
                "objects": self.text(input_ids=ids.flatten(0, 1)).pooler_output.unflatten(0, ids.shape[:2])}

    def loss(self, batch):
        """The weighted sum of every term's mean, and what the program logs beside it."""
        weight, counts = self.step["loss"], self.step["counts"]
        stage = self.step["stage"]
        paint = stage != "reasoner"
        terms = {}
        if stage == "painter":
            guidance = {"context": self.answers(batch["answer_ids"])}
        else:
            guidance = self.reasoner(self.encode(batch), batch, paint)
            if weight["mllm"] > 0:
                terms["mllm"] = F.cross_entropy(guidance["logits"].flatten(0, 1), batch["answer_ids"].flatten(), reduction="sum")
            if weight["labels"] > 0 and hasattr(self, "labels"):
                cues = guidance["cues"]
                terms["region_labels"] = self.labels(self.labels.regions, cues["regions"], batch["region_labels"])
                terms["object_labels"] = self.labels(self.labels.objects, cues["objects"], batch["object_labels"])
        if paint:
            source, target = (F.pixel_unshuffle(batch[name], self.block) for name in ("pixels", "target"))
            t = batch["time"].view(-1, 1, 1, 1)
            noisy = (1 - t) * target + t * batch["noise"]
            timestep = batch["time"] * self.step["num_train_timesteps"]
            x0 = self.painter(noisy, timestep, source, guidance, batch)
            mask = 1 + (weight["edit_weight"] - 1) * batch["edit_mask"]
            mask = torch.lerp(mask, batch["edit_density"], weight["edit_share"])
            weights = F.pixel_unshuffle(mask, self.block).repeat(1, 3, 1, 1)
            terms["dm"] = ((x0 - target).square() * weights).sum()
            if weight["l1"] > 0:
                terms["l1"] = ((x0 - target).abs() * weights).sum()
            with torch.no_grad():
                remaining = ((F.pixel_shuffle(x0, self.block) - batch["target"]).abs() * batch["edit_mask"]).sum()
            if stage == "joint" and weight["align"] > 0 and hasattr(self, "answers"):
                teacher = self.answers(batch["answer_ids"])
                terms["align"] = (guidance["context"][:, :teacher.shape[1]] - teacher).square().sum()
        names = {"region_labels": "labels", "object_labels": "labels"}
        total = sum(value * (weight[names.get(name, name)] / counts[name]) for name, value in terms.items() if counts[name] > 0)
        return total, [value.detach() for value in terms.values()] + ([remaining] if paint else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    step = json.loads((args.folder / "step.json").read_text())
    batch = load_file(str(args.folder / "batch.safetensors"))
    weights = load_file(str(args.folder / "weights.safetensors"))
    twin = Twin(args.folder, step, weights)
    trained = twin.load(weights, [name for group in step["groups"] for name in group["names"]])
    twin.train()
    groups = [{"params": [trained[name] for name in group["names"]], "lr": step["lr"] * group["lr_scale"],
               "weight_decay": group["weight_decay"]} for group in step["groups"]]
    optimizer = torch.optim.AdamW(groups, betas=step["betas"], eps=step["eps"], fused=True)
    parameters = list(trained.values())
    averages = [parameter.detach().clone() for parameter in parameters]
    times = {"loss": None, "cpu": [], "wall": []}
    for i in range(args.warm_up + args.steps):
        wall, cpu = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss, logged = twin.loss(batch)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, step["clip_norm"] or math.inf)
        if not math.isfinite(torch.stack([*logged, norm]).sum().item()):
            raise SystemExit("the loss is not finite")
        optimizer.step()
        if step["ema_decay"] > 0:
            torch._foreach_lerp_(averages, [parameter.detach() for parameter in parameters], 1 - step["ema_decay"])
        if i >= args.warm_up:
            times["cpu"].append(time.process_time() - cpu)
            times["wall"].append(time.perf_counter() - wall)
        if times["loss"] is None:
            times["loss"] = loss.item()
    (args.folder / "times.json").write_text(json.dumps(times))


if __name__ == "__main__":
    main()
