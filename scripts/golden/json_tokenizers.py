#!/usr/bin/env python3
"""Golden cases of tokenizer.json, from the tokenizers library.

    json_tokenizers.py --out tests/text/data/json                    the committed cases
    json_tokenizers.py --out DIR --seed N --cases K                  K random texts for each tokenizer

A case is DIR/NAME/ with a small tokenizer.json as the library writes it and cases.json: texts, their ids with
special tokens, and the ids without added tokens as text. Needs: tokenizers, sentencepiece
"""
import argparse
import io
import json
import pathlib
import random
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from make_tokenizers import CORPUS, TEXTS

LLAMA3_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
MARK = "\u2581"
RANGES = [(0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x09, 0x0D), (0x20, 0x20), (0x80, 0xA0), (0xA1, 0x24F), (0x300, 0x36F),
          (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0x0E00, 0x0E7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF),
          (0x2000, 0x206F), (0x2070, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x4E80), (0xAC00, 0xAC80), (0xFB00, 0xFB4F),
          (0xFE00, 0xFEFF), (0xFF01, 0xFFEF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0xE0100, 0xE01EF)]


def random_text(rng):
    words = " ".join(CORPUS).split(" ")
    parts = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.random()
        if kind < 0.4:
            parts.append(rng.choice(words))
        elif kind < 0.6:
            parts.append(rng.choice([" ", "  ", "\n", "\t", " \n ", "\u00a0", "\u3000", MARK, "\x00", "\x0b", "\x85"]))
        elif kind < 0.7:
            parts.append(rng.choice(["<s>", "</s>", "<image>", "[OBJ]", "<pad>", "<unk>", "Word", "<|eot|>"]))
        else:
            low, high = rng.choice(RANGES)
            parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6))))
    return "".join(parts)


def byte_level(add_prefix, words, normalizer, ignore_merges, size):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    if words:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=add_prefix, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def gpt2():
    tokenizer = byte_level(True, None, None, False, 420)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.add_tokens([AddedToken("[OBJ]", lstrip=True), AddedToken("Word", single_word=True)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def llama3():
    tokenizer = byte_level(False, LLAMA3_WORDS, None, True, 450)
    tokenizer.add_special_tokens(["<s>", "<|eot|>", "<image>"])
    bos = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bos)])])
    return tokenizer


def clip():
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="</s>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP_WORDS), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.BPEDecoder(suffix="</w>")])
    trainer = trainers.BpeTrainer(vocab_size=700, end_of_word_suffix="</w>", special_tokens=["<s>", "</s>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(["[OBJ]", "Word"])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")), False, False)
    return tokenizer


def sentencepiece_like(legacy, byte_fallback):
    """LLaMA 2 as its published tokenizer.json has it, and as transformers 5 writes it."""
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    if byte_fallback:
        for byte in range(256):
            vocab[f"<0x{byte:02X}>"] = len(vocab)
    helper = Tokenizer(models.BPE())
    helper.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    helper.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=420, show_progress=False))
    trained = json.loads(helper.to_str())["model"]
    for token in sorted(trained["vocab"], key=trained["vocab"].get):
        vocab.setdefault(token, len(vocab))
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in trained["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=byte_fallback))
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(content=" ", left=1)])
    tokenizer.add_special_tokens([AddedToken("<unk>", normalized=False), AddedToken("<s>", normalized=False),
                                  AddedToken("</s>", normalized=False), AddedToken("<image>", normalized=False)])
    tokenizer.add_tokens([AddedToken("[OBJ]", normalized=True, rstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    return tokenizer


RULES = "A0\t20\n9\t20\nA\t20\n3000\t20\nFB01\t66 69\nFF41\t61\n200B\t\n2026\t2E 2E 2E\n65 301\tE9\n"


def unigram(byte_fallback, scheme, small):
    """T5's form, its normaliser out of a SentencePiece model: a small map, or the published one of 240 kB."""
    model = io.BytesIO()
    rules = pathlib.Path(tempfile.mkdtemp()) / "rules.tsv"
    rules.write_text(RULES)
    normalizer = {"normalization_rule_tsv": str(rules)} if small else {"normalization_rule_name": "nmt_nfkc"}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 3), model_writer=model, character_coverage=0.98, num_threads=1, model_type="unigram",
        vocab_size=300 + 256 * byte_fallback, hard_vocab_limit=False, minloglevel=2, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        byte_fallback=byte_fallback, **normalizer)
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    tokenizer = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2, byte_fallback=byte_fallback))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), MARK)])
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme=scheme)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if scheme == "always" else steps[1]
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>", "<image>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>",
                                                             special_tokens=[("</s>", 1)])
    return tokenizer


def forms():
    """Unicode forms, digits and the other ways to split."""
    tokenizer = byte_level(False, None, normalizers.Sequence([normalizers.NFKD(), normalizers.Strip()]), False, 400)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split("e", "merged_with_previous"),
        pre_tokenizers.Split(Regex("[st]"), "merged_with_next"), pre_tokenizers.Split(Regex(r"\w"), "contiguous"),
        pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False)])
    return tokenizer


TOKENIZERS = {
    "gpt2": gpt2, "llama3": llama3, "clip": clip, "llama-legacy": lambda: sentencepiece_like(True, True),
    "llama-new": lambda: sentencepiece_like(False, True), "llama-unk": lambda: sentencepiece_like(False, False),
    "t5": lambda: unigram(False, "always", True), "t5-nfkc": lambda: unigram(False, "always", False),
    "unigram-bytes": lambda: unigram(True, "first", True), "forms": forms,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=30, help="random texts besides the fixed ones")
    args = parser.parse_args()
    for name, make in TOKENIZERS.items():
        if name == "t5-nfkc" and args.cases <= 30:  # too large a file to be committed
            continue
        rng = random.Random(args.seed)
        tokenizer = make()
        folder = args.out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=True) + "\n")
        added = set(tokenizer.get_added_tokens_decoder())
        cases = []
        for text in TEXTS + [random_text(rng) for _ in range(args.cases)]:
            ids = tokenizer.encode(text).ids
            plain = [i for i in ids if i not in added]
            cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(plain, skip_special_tokens=False)})
        lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
        (folder / "cases.json").write_text("[\n" + lines + "\n]\n")
        print(name, tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
