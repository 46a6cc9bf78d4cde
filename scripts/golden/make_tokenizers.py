#!/usr/bin/env python3
"""Makes tests/text/data/{llama,t5,clip,clip_added}/ and tokenizer_goldens.json.

Small tokenizers of each kind and what the references give for difficult texts:
  llama, t5   the sentencepiece library, called once for each piece of text between added tokens, which
              is the rule of transformers' slow tokenizers (legacy=True)
  clip*       transformers.CLIPTokenizer
Needs: transformers, tokenizers, sentencepiece (requirements.txt)
"""
import collections
import io
import json
import os
import pathlib
import random
import re

import sentencepiece
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/text/data"

CORPUS = """what would happen if the red block stayed where it is for ten minutes
suppose someone swapped the plates under the blue and green blocks and left for thirty minutes
how would the hourglass look after two more minutes? It's the wolf's house, isn't it? They'll see!
das große Straßenfest in Köln; l'été à la plage; el niño pequeño; İstanbul'da ılık bir gün
съешь ещё этих мягких французских булок да выпей чаю; ΟΔΥΣΣΕΥΣ και η θάλασσα
日本語のテキストと漢字 中文文本 한국어 텍스트 ภาษาไทย हिन्दी पाठ العربية نص עברית
1234567890 3.14 1,000 ½ ² Ⅷ ٣٤٥ :-) <tag> [x] {y} #hash @at $5 100% a_b a-b""".split("\n")

TEXTS = [
    "", " ", "   ", "a", "What would happen if the red block stayed where it is for ten minutes?",
    "  leading and trailing  ", "two  spaces\tand\ttabs", "line one\r\nline two\rline three\u2028four",
    "It's they'll I'M we'VE 'tis d'Arc ''s '' 's", "don't DON'T can't've", "1234567890 3.14 1,000 ½²Ⅷ٣٤٥ x2y3",
    "Straße STRASSE ẞ ß", "İstanbul ISTANBUL ıi İ̇", "ΟΔΥΣΣΕΥΣ Σ ΑΣ. ΑΣΑ", "ÅÅÅ é é ﬁ ﬃ",
    "q̣̇ q̣̇ ạ̈̂", "각 각 한국어 텍스트", "日本語のテキスト、漢字。", "中文文本！",
    "ภาษาไทย", "हिन्दी पाठ क्षि", "العربية نصّ", "עִבְרִית", "съешь ещё ЭТИХ Булок",
    "no\u00a0break\u2009thin\u3000wide\u202fnarrow", "zero\u200bwidth\u200djoiner\u200cnon\ufeffbom\u2060wj",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ☃️ 🏳️‍🌈", "𝕬𝖇𝖈 𝟘𝟙 𐐀𐐨 𠜎", "\x00nul\x01\x02\x1b[0m\x7f\x85nel\x0b\x0c",
    "‘curly’ “quotes” — dash… • ™ ®", "<s>hello</s> <unk> <pad>", "<|startoftext|>hello<|endoftext|> world",
    "x<|STARTOFTEXT|>y!<|EndOfText|>z", "!<|startoftext|", "<image>\nWhat is this? <image>", "a<image>b <image>  c",
    "[OBJ]red block[OBJ]", "a [OBJ] b  [OBJ]c", "word WORD wordy swording sword", "<cat-toy> a <CAT-TOY> cat<cat-toy>!",
    "ǅ ǆ Ǆ ŉ ǰ ΐ և", "Ⓐⓐ ⅷ ᾈ K Å Ω", "a\u0301\u0301\u0301 \u0301", "ß" * 40, "ab" * 60, "?!?!?!...,,,",
    "\U0010ffff \ufffe \ufffd \ue000", "ａｂｃ １２３ ｶﾞ", "<extra_id_0> and <extra_id_99>  end", "</s></s>x",
    "▁under ▁ ▁▁", "tab\tat the end\t", "\n\n\n", "http://example.org/a_b?c=d&e=%20", "C'EST L'ÉTÉ D'OR",
]


def random_texts(count):
    rng = random.Random(7)
    ranges = [(0x20, 0x7F), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0x97F),
              (0x2000, 0x206F), (0x3040, 0x30FF), (0x4E00, 0x4E80), (0xAC00, 0xAC80), (0x1F600, 0x1F64F), (0x20, 0x21)]
    return ["".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randint(1, 24))) for _ in range(count)]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, indent=0) + "\n")


def train_sentencepiece(folder, name, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 3), model_writer=model, character_coverage=1.0, num_threads=1,
        hard_vocab_limit=False, minloglevel=2, **options)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def chunked(processor, text, added, strips):
    """transformers 4 PreTrainedTokenizer.tokenize for tokens without single_word."""
    pattern = "|".join(re.escape(t) for t in sorted(added, key=len, reverse=True))
    ids, rest = [], re.split(f"({pattern})", text)
    for i, part in enumerate(rest):
        if i % 2 == 1:
            ids.append(added[part])
            continue
        if i > 0 and rest[i - 1] in strips:
            part = part.lstrip()
        if i + 1 < len(rest) and rest[i + 1] in strips:
            part = part.rstrip()
        if part:
            ids += processor.encode(part)
    return ids


def llama_cases(texts):
    folder = DATA / "llama"
    processor = train_sentencepiece(
        folder, "tokenizer.model", model_type="bpe", vocab_size=700, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    size = processor.get_piece_size()
    added = {"<s>": 1, "</s>": 2, "<unk>": 0, "<image>": size, "<pad>": size + 1, "[OBJ]": size + 2}
    write_json(folder / "added_tokens.json", {"<image>": size, "<pad>": size + 1, "[OBJ]": size + 2})
    write_json(folder / "special_tokens_map.json", {
        "bos_token": {"content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False},
        "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "legacy": True})
    for text in texts:
        ids = [1] + chunked(processor, text, added, ())
        plain = [i for i in ids if i not in added.values()]
        yield {"tokenizer": "llama", "text": text, "ids": ids, "decoded": processor.decode(plain)}


def t5_cases(texts):
    folder = DATA / "t5"
    rules = folder / "rules.tsv"
    folder.mkdir(parents=True, exist_ok=True)
    rules.write_text("A0\t20\n9\t20\nA\t20\n3000\t20\nFB01\t66 69\nFF41\t61\n200B\t\n2026\t2E 2E 2E\n")
    processor = train_sentencepiece(
        folder, "spiece.model", model_type="unigram", vocab_size=300, normalization_rule_tsv=os.path.relpath(rules),
        remove_extra_whitespaces=True, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    rules.unlink()
    size = processor.get_piece_size()
    sentinels = {f"<extra_id_{i}>": size + 99 - i for i in range(100)}
    added = {"<pad>": 0, "</s>": 1, "<unk>": 2, **sentinels}
    for text in texts:
        ids = chunked(processor, text, added, sentinels) + [1]
        plain = [i for i in ids if i not in added.values()]
        yield {"tokenizer": "t5", "text": text, "ids": ids, "decoded": processor.decode(plain)}


def clip_vocabulary(num_merges):
    """Byte-level BPE merges learned on CORPUS, so that every script has some."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, substitute = {}, 0x100
    for byte in range(256):
        letters[byte] = chr(byte) if byte in printable else chr(substitute)
        substitute += byte not in printable
    words = collections.Counter(w for line in CORPUS for w in re.findall(r"[^\W\d_]+|\d|[^\w\s]+", line.lower()))
    split = {w: [letters[b] for b in w.encode()] for w in words}
    for symbols in split.values():
        symbols[-1] += "</w>"
    tokens = [letters[b] for b in range(256)] + [letters[b] + "</w>" for b in range(256)]
    merges = []
    for _ in range(num_merges):
        pairs = collections.Counter()
        for word, symbols in split.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        tokens.append("".join(best))
        for word, symbols in split.items():
            out, i = [], 0
            while i < len(symbols):
                if tuple(symbols[i:i + 2]) == best:
                    out.append("".join(best))
                    i += 2
                else:
                    out.append(symbols[i])
                    i += 1
            split[word] = out
    # A vocabulary with holes: bytes that this corpus lacks give the unknown token.
    tokens = [t for t in tokens if t not in (letters[0x01], letters[0x01] + "</w>")]
    return tokens + ["<|startoftext|>", "<|endoftext|>"], merges


def clip_cases(name, texts):
    folder = DATA / name
    tokens, merges = clip_vocabulary(250 if name == "clip" else 60)
    write_json(folder / "vocab.json", {token: i for i, token in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    if name == "clip_added":
        write_json(folder / "special_tokens_map.json", {
            "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "!"})
        write_json(folder / "added_tokens.json", {"<cat-toy>": len(tokens), "[OBJ]": len(tokens) + 1})
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        case = {"tokenizer": name, "text": text, "ids": ids}
        if name == "clip":
            case["decoded"] = tokenizer.decode(ids, skip_special_tokens=True)
        yield case


def main():
    texts = TEXTS + random_texts(24)
    cases = [*llama_cases(texts), *t5_cases(texts), *clip_cases("clip", texts), *clip_cases("clip_added", texts)]
    lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    (DATA / "tokenizer_goldens.json").write_text("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main()
