#!/usr/bin/env python3
"""Writes the pictures of tests/io/data, or of the folder given, and prints what Pillow makes of the formula image A
(tests/io/resize_test.cpp)."""
import sys
from pathlib import Path

import numpy as np
from PIL import Image

OUT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "tests/io/data"


def formula_a(width, height):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return Image.fromarray(((37 * x + 57 * y + 91 * c + 5 * ((x * y) % 23)) % 256).astype(np.uint8))


def blocks():
    """96 x 64 pixels: four colours in blocks of 48 x 32, so that JPEG keeps them apart."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, :48] = (250, 10, 10)
    pixels[:32, 48:] = (10, 250, 10)
    pixels[32:, :48] = (10, 10, 250)
    pixels[32:, 48:] = (240, 240, 240)
    return Image.fromarray(pixels)


def write_pictures():
    image = blocks()
    image.save(OUT / "plain.png")
    image.save(OUT / "plain.jpg", quality=95, subsampling=0)
    image.save(OUT / "lossless.webp", lossless=True)
    image.save(OUT / "lossy.webp", quality=95)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(OUT / f"exif{orientation}.jpg", quality=95, subsampling=0, exif=exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(OUT / "exif6.png", exif=exif)
    image.save(OUT / "exif6.webp", lossless=True, exif=exif)

    grey = formula_a(9, 7).convert("L")
    grey.save(OUT / "grey.png")
    Image.merge("LA", (grey, grey.point(lambda v: 255 - v))).save(OUT / "grey_alpha.png")
    rgba = formula_a(9, 7).convert("RGBA")
    rgba.putalpha(grey)
    rgba.save(OUT / "rgba.png")
    levels = (np.arange(63).reshape(7, 9) * 1000).astype(np.uint16)
    Image.fromarray(levels).save(OUT / "grey16.png")

    # Labels 0..5 with 4 bits and 0, 40, ..., 200 with 8, in palettes of unrelated colours.
    labels = (np.arange(63).reshape(7, 9) % 6).astype(np.uint8)
    indexed = Image.fromarray(labels, mode="P")
    indexed.putpalette([7, 7, 7, 200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9, 255, 255, 0])
    indexed.save(OUT / "labels_palette4.png")
    indexed = Image.fromarray((labels * 40).astype(np.uint8), mode="P")
    indexed.putpalette(np.arange(768)[::-1] % 256)
    indexed.save(OUT / "labels_palette8.png")
    Image.fromarray(labels).save(OUT / "labels_grey.png")
    Image.fromarray((labels > 2).astype(np.uint8) * 255).save(OUT / "mask.png")
    Image.fromarray(labels > 2).save(OUT / "mask1bit.png")


def print_sums():
    filters = Image.Resampling
    for name in ("NEAREST", "BOX", "BILINEAR", "BICUBIC", "LANCZOS"):
        for size in ((32, 32), (100, 80), (61, 20), (7, 47), (1, 1), (200, 3)):
            # Two steps fix the order of the passes, which Pillow 13 swaps for wide, flat results.
            wide = formula_a(61, 47).resize((size[0], 47), filters[name])
            pixels = np.asarray(wide.resize(size, filters[name])).astype(np.int64)
            weighted = (pixels.ravel() * (np.arange(pixels.size) % 251 + 1)).sum()
            print(f"{{Filter::k{name.title()}, {size[0]}, {size[1]}, {pixels.sum()}, {weighted}}},")


write_pictures()
print_sums()
