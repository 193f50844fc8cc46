"""A small convolutional network with batch normalisation that a CPU trains in half a minute."""

from collections.abc import Sequence

from torch import nn


class SmallCNN(nn.Sequential):
    """Five 3x3 convolutions with batch normalisation and ReLU, pooled to 2x2, and a linear head.

    Maps ``(N, C, H, W)`` float32 images to ``(N, num_classes)`` logits.

    Args:
        num_classes: number of classes.
        in_channels: channels of the images.
        width: channels of the first convolution; the five have width * (1, 1, 2, 2, 4).
        strides: the five strides; use smaller ones for images below 32 x 32.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 3,
        width: int = 32,
        strides: Sequence[int] = (2, 1, 2, 1, 2),
    ) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        for factor, stride in zip((1, 1, 2, 2, 4), strides, strict=True):
            out = width * factor
            layers += [
                nn.Conv2d(channels, out, 3, stride, 1, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(inplace=True),
            ]
            channels = out
        super().__init__(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(channels * 4, num_classes))
