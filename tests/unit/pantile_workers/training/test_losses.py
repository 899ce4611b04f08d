"""Losses count known pixels only, and sum up."""

import pytest
import torch

from pantile.domain.training import ClassWeights, Loss, LossName
from pantile_workers.training.losses import make_loss, weigh_classes

CPU = torch.device("cpu")
TRUTH = torch.tensor([[[0, 1], [2, 255]]])
SURE = 40.0 * torch.nn.functional.one_hot(TRUTH.clamp(max=2), 3).movedim(-1, 1).float() - 20.0


@pytest.mark.parametrize("name", LossName)
def test_a_sure_and_right_answer_costs_nearly_nothing_and_a_wrong_one_much(name: LossName) -> None:
    loss = make_loss(Loss(sum=(name,)), [5, 5, 5], CPU)

    assert loss(SURE, TRUTH) < 1e-3
    assert loss(-SURE, TRUTH) > 0.3


@pytest.mark.parametrize("name", LossName)
def test_unknown_pixels_take_no_part(name: LossName) -> None:
    loss = make_loss(Loss(sum=(name,)), [5, 5, 5], CPU)
    other = SURE.clone()
    other[0, :, 1, 1] = torch.tensor([9.0, -9.0, 3.0])

    assert torch.allclose(loss(SURE, TRUTH), loss(other, TRUTH))


def test_the_losses_named_are_summed() -> None:
    logits = torch.randn(1, 3, 2, 2, generator=torch.manual_seed(0))
    each = [make_loss(Loss(sum=(name,)), [5, 5, 5], CPU)(logits, TRUTH) for name in LossName]

    together = make_loss(Loss(sum=tuple(LossName)), [5, 5, 5], CPU)(logits, TRUTH)

    assert torch.allclose(together, torch.stack(each).sum())


def test_rarer_classes_weigh_more_by_the_root_of_their_share() -> None:
    weights = weigh_classes(ClassWeights.ROOT, [400, 100, 0])

    assert weights == pytest.approx([2 / 3, 4 / 3, 0])
    assert weigh_classes(ClassWeights.EQUAL, [400, 100, 0]) == [1, 1, 0]


def test_a_class_of_a_few_pixels_does_not_outweigh_all_others() -> None:
    few, fewer = weigh_classes(ClassWeights.ROOT, [10_000, 100]), weigh_classes(ClassWeights.ROOT, [10_000, 1])

    assert few == pytest.approx(fewer, rel=0.01)
