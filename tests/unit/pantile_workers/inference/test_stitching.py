import torch

from pantile.domain.patches import plan_grid
from pantile_workers.inference.stitching import keep_centres


def test_patches_cut_from_an_image_stitch_back_to_it() -> None:
    height, width, side = 150, 205, 64
    image = torch.randint(0, 256, (height, width), dtype=torch.uint8)
    patches = plan_grid(height, width, patch_px=side, stride_px=48, margin_px=8)
    padded = torch.zeros((height + side, width + side), dtype=torch.uint8)
    padded[:height, :width] = image
    cut = torch.stack([padded[patch.row.start :, patch.column.start :][:side, :side].clone() for patch in patches])
    stitched = torch.empty_like(image)

    keep_centres(stitched, patches, cut)

    assert torch.equal(stitched, image)


def test_the_margins_of_inner_patches_are_left_out() -> None:
    patches = plan_grid(64, 200, patch_px=64, stride_px=48, margin_px=8)
    cut = torch.zeros((len(patches), 64, 64), dtype=torch.uint8)
    for patch, classes in zip(patches, cut, strict=True):
        classes[:, :8] = 9 if patch.column.start > 0 else 0
    stitched = torch.full((64, 200), 7, dtype=torch.uint8)

    keep_centres(stitched, patches, cut)

    assert int(stitched.max()) == 0
