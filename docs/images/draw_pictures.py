"""Draw pictures.png: what an agent observes, and what it is shown of it.

python docs/images/draw_pictures.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np

from coterie.pettingzoo.making.sources import make_worlds
from coterie.pettingzoo.pictures.lenses import words
from coterie.settings import UNTOUCHED, PictureOptions

PLACE = Path(__file__).parent / "pictures.png"
ROWS = [
    ("pettingzoo:butterfly/pistonball_v6", {"continuous": False}, 17, 8, [
        PictureOptions(), PictureOptions(size="24x12", channel="red", stack=2),
        PictureOptions(size="24x12", channel="red", stack=2, crop="217,0,0,0"),
    ]),
    ("pettingzoo:butterfly/cooperative_pong_v6", {}, 0, 12, [
        PictureOptions(), PictureOptions(size="24x40", grey=True, stack=2),
        PictureOptions(size="24x40", grey=True, stack=2, crop="0,0,240,0"),
    ]),
]  # fmt: skip


def seen(word: str, options: dict, agent: int, steps: int, picture: PictureOptions) -> tuple[np.ndarray, str]:
    """What an agent sees after some steps of random play, and that in words."""
    worlds = make_worlds(word, options, central=False, picture=picture)
    sight, chance = worlds.reset(np.array([3])), np.random.default_rng(0)
    for number in range(steps):
        actions = chance.integers(3, size=(1, len(worlds.spec.agents)), dtype=np.int32)
        _, sight = worlds.step(actions, np.array([number]))
    lens = worlds.ones[0].reading.layouts[0].lens
    worlds.close()
    shown = sight.obs[0][0, agent]
    return shown, "as it is observed" if lens is None else words(lens)


def main() -> None:
    figure, axes = plt.subplots(2, 7, figsize=(13, 5.2), width_ratios=[1.3] + [1] * 6, height_ratios=[2.6, 1])
    for row, (word, options, agent, steps, pictures) in zip(axes, ROWS, strict=True):
        whole, _ = seen(word, options, agent, steps, UNTOUCHED)
        row[0].imshow(whole)
        row[0].set_title(f"{word.partition('/')[2]}\n{'x'.join(map(str, whole.shape))}", fontsize=8)
        for place, picture in enumerate(pictures):
            shown, told = seen(word, options, agent, steps, picture)
            for frame in range(2):
                axis = row[1 + 2 * place + frame]
                axis.imshow(shown[..., frame], cmap="gray", vmin=0, vmax=255)
                when = ("the step before", "now")[frame]
                axis.set_title(f"{told}\n{when}" if frame == 0 else when, fontsize=7, loc="left")
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout()
    figure.savefig(PLACE, dpi=80)


if __name__ == "__main__":
    main()
