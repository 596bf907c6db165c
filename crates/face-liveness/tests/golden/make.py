"""Makes the golden images from NASA's portrait, which is in the public domain.

    pip install pillow==12.0.0 && python make.py
"""

import pathlib

from PIL import Image, ImageFilter, ImageOps

HERE = pathlib.Path(__file__).parent
portrait = Image.open(HERE / "../../../../examples/photos/astronaut.png").convert("RGB")
head = portrait.crop((130, 20, 322, 212))

images = {
    "head": head,
    "mirrored": ImageOps.mirror(head),
    "small": portrait.resize((220, 220), Image.Resampling.BOX).crop((40, 0, 160, 120)),
    "large": portrait.crop((170, 50, 282, 186)).resize((280, 340), Image.Resampling.BICUBIC),
    "dark": head.point(lambda value: value // 3),
    "pale": head.point(lambda value: 128 + (value - 128) // 2),
    "blurred": head.filter(ImageFilter.GaussianBlur(2)),
    "grey": ImageOps.grayscale(head).convert("RGB"),
    "leaning": portrait.rotate(20, Image.Resampling.BICUBIC).crop((120, 20, 340, 240)),
    # Like a print held before a wall.
    "in_a_frame": ImageOps.expand(ImageOps.expand(head, 12, (250, 250, 245)), 40, (90, 80, 70)),
}
for name, image in images.items():
    image.save(HERE / f"{name}.png", optimize=True)

# Large enough for the JPEG decoder to halve it, which it does from a longer side of 1600 pixels.
scaled = Image.new("RGB", (1800, 1350), (120, 110, 100))
scaled.paste(portrait.resize((1350, 1350), Image.Resampling.BICUBIC), (225, 0))
scaled.save(HERE / "scaled.jpg", quality=70)
