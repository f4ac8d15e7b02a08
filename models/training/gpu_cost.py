"""What scoring costs on a GPU in PyTorch: fusion-base, fusion-tuned and fusion-large with drawn weights on lists of 200 candidates and 50 events.

    python gpu_cost.py --out FILE.json [--rounds 5]

Milliseconds of one call, the least and the median over rounds, started operator by operator and replayed as a CUDA graph: what ONNX Runtime
would reach lies between the two. Costs do not depend on what a network has learnt.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from contract import COLUMNS
from export import draw_inputs
from model import FusionBase
from tuned.arms import BY_NAME
from tuned.build import build_network

CANDIDATES, EVENTS, DIMS = 200, 50, (384, 256)
BATCHES, RUNS = (1, 16), 20
NAMES = ("fusion-base", "default", "large 2x192", "large 4x256", "large 6x384")


class Alone(nn.Module):
    """The score alone. `half`: products in float16, as automatic mixed precision has them; the evidence's sums stay float32."""

    def __init__(self, network: nn.Module, half: bool):
        super().__init__()
        self.network, self.half = network, half

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        with torch.autocast("cuda", torch.float16, enabled=self.half, cache_enabled=False):
            return self.network(x)["score"]


def build(name: str) -> nn.Module:
    torch.manual_seed(1)
    if name == "fusion-base":
        return FusionBase()
    return build_network(BY_NAME[name].read()[0], {"text": DIMS[0], "image": DIMS[1]})


def clock(call: Callable[[], object], rounds: int) -> dict[str, float]:
    for _ in range(5):
        call()
    times = []
    for _ in range(rounds * RUNS):
        torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - began) * 1000)
    return {"least": round(min(times), 3), "median": round(float(np.median(times)), 3)}


def capture(network: nn.Module, x: dict[str, Tensor]) -> torch.cuda.CUDAGraph:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            network(x)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(x)
    return graph


@torch.no_grad()
def measure(name: str, batch: int, half: bool, rounds: int) -> dict:
    network = Alone(build(name), half).eval().cuda()
    x = {key: value.cuda() for key, value in draw_inputs(np.random.default_rng(2), (batch, CANDIDATES, EVENTS, *DIMS), len(COLUMNS)).items()}
    told = {"network": name, "lists": batch, "precision": "fp16" if half else "fp32", "operators": clock(lambda: network(x), rounds)}
    try:
        graph = capture(network, x)
        told["graph"] = clock(graph.replay, rounds)
    except RuntimeError as error:  # a network may do what a graph cannot hold; the other figure stands
        told["graph"] = None
        told["why"] = str(error).splitlines()[0]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("no GPU is there: torch.cuda.is_available() is false")
    report = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "candidates": CANDIDATES, "events": EVENTS, "costs": []}
    for name in NAMES:
        for batch in BATCHES:
            for half in (False, True):
                report["costs"].append(measure(name, batch, half, options.rounds))
                print(report["costs"][-1], flush=True)
                options.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
