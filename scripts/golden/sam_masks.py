#!/usr/bin/env python3
"""Writes golden cases of automatic masks: a small SAM, a picture, options, and the masks that segment-anything's
algorithm finds, formulated here with loops (tests/segment/generator_test.cpp)."""
import argparse
import json
import math
import pathlib
import random

import numpy as np
import torch
from PIL import Image
from transformers import SamConfig, SamModel

MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
DEFAULTS = {"points_per_side": 5, "points_per_batch": 7, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0,
            "stability_score_offset": 1.0, "box_nms_thresh": 0.7, "crop_n_layers": 0, "crop_nms_thresh": 0.7,
            "crop_overlap_ratio": 512 / 1500, "crop_n_points_downscale_factor": 1, "min_mask_region_area": 0}
CASES = [
    {"points_per_side": 7, "pred_iou_thresh": 0.2},
    {"stability_score_thresh": 0.6, "stability_score_offset": 0.5, "box_nms_thresh": 0.9, "points_per_side": 8},
    {"crop_n_layers": 1, "crop_n_points_downscale_factor": 2, "pred_iou_thresh": 0.3, "points_per_side": 12,
     "box_nms_thresh": 0.8, "crop_nms_thresh": 0.9},
    {"min_mask_region_area": 60, "points_per_side": 6, "pred_iou_thresh": 0.2, "box_nms_thresh": 0.9}]
CONFIG = {
    "vision_config": {"hidden_size": 24, "output_channels": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                      "image_size": 32, "patch_size": 4, "window_size": 3, "global_attn_indexes": [1],
                      "num_pos_feats": 16, "mlp_dim": 32},
    "prompt_encoder_config": {"hidden_size": 32, "image_size": 32, "patch_size": 4, "mask_input_channels": 4},
    "mask_decoder_config": {"hidden_size": 32, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "iou_head_hidden_dim": 16},
}


def draw(rng, width, height):
    """A picture of discs and boxes in plain colours, and the mask of each, later ones on top."""
    picture = np.full((height, width, 3), [rng.randint(0, 255) for _ in range(3)], np.uint8)
    owner = np.zeros((height, width), int)
    y, x = np.mgrid[:height, :width]
    count = rng.randint(2, 4)
    for i in range(1, count + 1):
        cx, cy = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
        rx, ry = (rng.uniform(0.14, 0.3) * min(width, height) for _ in range(2))
        if rng.random() < 0.5:
            inside = ((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / rx) ** 2 <= 1
        else:
            inside = (abs(x + 0.5 - cx) <= rx) & (abs(y + 0.5 - cy) <= ry)
        picture[inside], owner[inside] = [rng.randint(0, 255) for _ in range(3)], i
    return picture, owner


def train(model, rng, steps, batch=16):
    """Teaches the model to mask the thing under a point, so that its masks and ratings mean something."""
    size = model.config.vision_config.image_size
    with torch.no_grad():
        model.shared_image_embedding.positional_embedding.normal_()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for step in range(steps):
        pictures, points, truth = [], [], []
        for _ in range(batch):
            picture, owner = draw(rng, size, size)
            pictures.append((torch.tensor(picture) - MEAN) / STD)
            places = [(rng.randrange(size), rng.randrange(size)) for _ in range(4)]
            points.append(places)
            truth.append(np.stack([owner == owner[y, x] for x, y in places]))
        truth = torch.tensor(np.stack(truth))[:, :, None].float()
        out = model(pixel_values=torch.stack(pictures).permute(0, 3, 1, 2), input_points=torch.tensor(points).float()[:, :, None])
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(
            out.pred_masks, truth.expand_as(out.pred_masks), reduction="none").mean((-1, -2))
        binary = out.pred_masks > 0
        overlap = (binary & (truth > 0)).sum((-1, -2)) / (binary | (truth > 0)).sum((-1, -2))
        loss = wrong.amin(-1).mean() + 0.1 * wrong.mean() + (out.iou_scores - overlap).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(step + 1, f"loss {loss.item():.3f}, overlap {overlap.amax(-1).mean().item():.3f}", flush=True)


def train_and_save(args, rng, generator):
    model = SamModel(SamConfig(**CONFIG))
    for name, parameter in model.named_parameters():  # the reference starts the encoder at almost nothing
        if name.startswith("vision_encoder") and parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    train(model, rng, args.steps)
    model.eval().half().save_pretrained(args.out / "sam")


def runs_of(mask):
    runs, current = [0], False
    for value in mask.T.reshape(-1):
        if value != current:
            runs.append(0)
            current = value
        runs[-1] += 1
    return runs


def box_of(mask):
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return [0, 0, 0, 0] if len(rows) == 0 else [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])]


def iou(a, b):
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - shared
    return np.float32(shared) / np.float32(union) if union else 0.0


def suppress(masks, score, threshold):
    kept = []
    for mask in sorted(masks, key=lambda mask: -score(mask)):  # stable
        if all(iou(mask["box"], other["box"]) <= threshold for other in kept):
            kept.append(mask)
    return kept


def crops_of(width, height, layers, ratio):
    crops = [(0, 0, width, height, 0)]
    for layer in range(1, layers + 1):
        n = 2 ** layer
        overlap = int(ratio * min(width, height) * (2 / n))
        w, h = (math.ceil((overlap * (n - 1) + side) / n) for side in (width, height))
        for x in [(w - overlap) * i for i in range(n)]:
            for y in [(h - overlap) * i for i in range(n)]:
                crops.append((x, y, min(x + w, width), min(y + h, height), layer))
    return crops


def pieces_of(mask):
    """Pieces of True pixels that touch, corners included."""
    left, pieces = set(zip(*np.nonzero(mask))), []
    while left:
        stack, piece = [min(left)], []
        left.remove(stack[0])
        while stack:
            y, x = stack.pop()
            piece.append((y, x))
            for near in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if near in left:
                    left.remove(near)
                    stack.append(near)
        pieces.append(piece)
    return pieces


def clean(mask, least):
    mask, changed = mask.copy(), False
    for piece in [piece for piece in pieces_of(~mask) if len(piece) < least]:
        changed = True
        for pixel in piece:
            mask[pixel] = True
    islands = pieces_of(mask)
    small = [piece for piece in islands if len(piece) < least]
    changed = changed or bool(small)
    if small and len(small) == len(islands):
        small.remove(max(small, key=len))
    for piece in small:
        for pixel in piece:
            mask[pixel] = False
    return mask, changed


def crop_masks(model, picture, crop, options):
    x0, y0, x1, y1, layer = crop
    size, part = model.config.vision_config.image_size, picture[y0:y1, x0:x1]
    height, width = part.shape[:2]
    scale = size / max(height, width)
    new_height, new_width = int(height * scale + 0.5), int(width * scale + 0.5)
    small = torch.tensor(np.array(Image.fromarray(part).resize((new_width, new_height), Image.BILINEAR)))
    pixels = torch.zeros(1, 3, size, size)
    pixels[0, :, :new_height, :new_width] = ((small - MEAN) / STD).permute(2, 0, 1)
    image = model.get_image_embeddings(pixels)
    n = int(options["points_per_side"] / options["crop_n_points_downscale_factor"] ** layer)
    line = np.linspace(1 / (2 * n), 1 - 1 / (2 * n), n)
    found = []
    for point in [(x * width, y * height) for y in line for x in line]:
        scaled = torch.tensor([[[[point[0] * new_width / width, point[1] * new_height / height]]]])
        out = model(image_embeddings=image, input_points=scaled.float())
        for logits, rating in zip(out.pred_masks[0, 0], out.iou_scores[0, 0]):
            up = torch.nn.functional.interpolate(logits[None, None], (size, size), mode="bilinear")
            up = torch.nn.functional.interpolate(up[..., :new_height, :new_width], (height, width), mode="bilinear")[0, 0]
            high, low = ((up > sign * options["stability_score_offset"]).sum().item() for sign in (1, -1))
            stability = high / low if low else 0.0
            if options["pred_iou_thresh"] > 0 and not rating > options["pred_iou_thresh"]:
                continue
            if options["stability_score_thresh"] > 0 and not stability >= options["stability_score_thresh"]:
                continue
            whole = np.zeros(picture.shape[:2], bool)
            whole[y0:y1, x0:x1] = (up > 0).numpy()
            inside = box_of(whole[y0:y1, x0:x1])
            box = [inside[0] + x0, inside[1] + y0, inside[2] + x0, inside[3] + y0]
            edges = zip(box, crop[:4], (0, 0, picture.shape[1], picture.shape[0]))
            if any(abs(side - cut) <= 20 and abs(side - edge) > 20 for side, cut, edge in edges):
                continue
            found.append({"mask": whole, "box": box, "predicted_iou": rating.item(), "stability_score": stability,
                          "point": [point[0] + x0, point[1] + y0], "crop": list(crop[:4])})
    return suppress(found, lambda mask: mask["predicted_iou"], options["box_nms_thresh"])


@torch.no_grad()
def all_masks(model, picture, options):
    height, width = picture.shape[:2]
    crops = crops_of(width, height, options["crop_n_layers"], options["crop_overlap_ratio"])
    masks = [mask for crop in crops for mask in crop_masks(model, picture, crop, options)]
    if len(crops) > 1:
        masks = suppress(masks, lambda mask: 1 / ((mask["crop"][2] - mask["crop"][0]) * (mask["crop"][3] - mask["crop"][1])),
                         options["crop_nms_thresh"])
    if options["min_mask_region_area"] > 0:
        for mask in masks:
            mask["mask"], mask["changed"] = clean(mask["mask"], options["min_mask_region_area"])
            mask["box"] = box_of(mask["mask"])
        masks = suppress(masks, lambda mask: 0 if mask["changed"] else 1,
                         max(options["box_nms_thresh"], options["crop_nms_thresh"]))
    return masks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/segment/data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1500, help="of training, when OUT/sam is not there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng, generator = random.Random(args.seed), torch.Generator().manual_seed(args.seed)
    if not (args.out / "sam").exists():
        train_and_save(args, rng, generator)
    model = SamModel.from_pretrained(args.out / "sam", dtype=torch.float32).eval()
    cases = []
    for i, changes in enumerate(CASES):
        width, height = rng.randint(90, 140), rng.randint(90, 140)
        picture, _ = draw(rng, width, height)
        Image.fromarray(picture).save(args.out / f"case-{i}.png")
        options = {**DEFAULTS, **changes}
        masks = [{**{key: mask[key] for key in ("box", "predicted_iou", "stability_score", "point", "crop")},
                  "counts": runs_of(mask["mask"])} for mask in all_masks(model, picture, options)]
        cases.append({"picture": f"case-{i}.png", "options": options, "masks": masks})
        print(changes, len(masks), "masks, areas", [sum(mask["counts"][1::2]) for mask in masks])
    (args.out / "cases.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
