#!/usr/bin/env python3
"""Writes golden cases of the T5 encoder: random small models of transformers in their own folder layout, with inputs,
outputs and gradients (tests/models/reference.h)."""
import argparse
import pathlib
import random

import torch
from transformers import T5Config, T5EncoderModel

from make_unet_vae_qformer import DTYPES, randomise, write_case


def t5_case(folder, config, batch, tokens, mask, embed_name, **rest):
    generator = rest["generator"]
    config = T5Config(**config)
    model = randomise(T5EncoderModel(config), rest["dtype"], generator)
    inputs = {"input_ids": torch.randint(0, config.vocab_size, (batch, tokens), generator=generator)}
    if mask:  # padding on either side; at least one token
        kept = torch.randint(1, tokens + 1, (batch, 1), generator=generator)
        columns = torch.arange(tokens)[None]
        inputs["attention_mask"] = (columns < kept if rest["rng"].random() < 0.7 else columns >= tokens - kept).long()
    write_case(folder, model, lambda given: {"last_hidden_state": model(**given).last_hidden_state}, inputs,
               rename=lambda key: embed_name if key == "shared.weight" else key, **rest)


def random_t5(rng):
    return {"vocab_size": rng.randint(5, 60), "d_model": rng.choice([6, 8, 12, 16, 24]), "d_kv": rng.choice([2, 3, 4, 8]),
            "d_ff": rng.choice([7, 16, 40]), "num_layers": rng.randint(1, 4), "num_heads": rng.choice([1, 2, 3, 5]),
            "relative_attention_num_buckets": rng.choice([4, 6, 7, 8, 13, 32]),
            "relative_attention_max_distance": rng.choice([9, 12, 20, 128]),
            "layer_norm_epsilon": rng.choice([1e-6, 1e-5, 1e-3]),
            "feed_forward_proj": rng.choice(["relu", "gated-gelu", "gated-gelu", "gated-silu", "gelu", "gated-relu",
                                             "gelu_new", "silu", "gated-gelu_new", "gated-quick_gelu"]),
            "tie_word_embeddings": rng.random() < 0.5}


V1 = {"vocab_size": 20, "d_model": 12, "d_kv": 4, "d_ff": 16, "num_layers": 2, "num_heads": 2,
      "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12}
CASES = [("v1-relu", V1, 2, 16, True, "shared.weight"),
         ("v11-gated", {**V1, "num_heads": 4, "feed_forward_proj": "gated-gelu"}, 1, 9, False,
          "encoder.embed_tokens.weight")]


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
    cases = [(f"case-{i:02}", random_t5(rng), rng.randint(1, 3), rng.randint(1, 40), rng.random() < 0.6,
              rng.choice(["shared.weight", "encoder.embed_tokens.weight"])) for i in range(args.cases)] or CASES
    for i, (name, *case) in enumerate(cases):
        t5_case(args.out / "t5-encoder" / name, *case, num_grads=-1 if args.cases else 8, rng=rng, generator=generator,
                dtype=DTYPES[i % 3], shards=i % 3 == 1)


if __name__ == "__main__":
    main()
