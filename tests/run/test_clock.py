"""The clock: rates known in advance by a clock that the work itself moves, FLOPs by hand, calibration, energy, numerics."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bench.plan.make import make_plan
from bench.plan.request import Request
from bench.registry import ROOT
from bench.run.precision import numerics, settings_of
from bench.run.throughput import clock, energy, peaks, stopwatch
from bench.run.throughput.clock import Rates, clock_cell, flops_per_example, joules_per_1000, window_rates
from bench.run.throughput.flops import CountFlops
from bench.run.throughput.stopwatch import Stopwatch

CPU = torch.device("cpu")


@pytest.fixture
def now(monkeypatch):
    """A clock that stands still until somebody moves it: now[0] in seconds."""
    seconds = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: seconds[0])
    return seconds


def work_of(now, seconds, *, examples=5, first=None, units=10**9):
    """Work whose unit takes so many seconds; the first one may take others; None once `units` are done."""
    done = [0]

    def work():
        if done[0] == units:
            return None
        now[0] += first if first is not None and not done[0] else seconds
        done[0] += 1
        return examples

    work.done = done
    return work


def test_the_rate_of_steady_work_is_exact_and_its_spread_zero(now):
    rates = window_rates(work_of(now, 0.01), CPU)
    assert len(rates.windows) == clock.WINDOWS
    assert rates.centre == pytest.approx(500) and rates.spread == pytest.approx(0, abs=1e-9)


def test_the_first_unit_is_warm_up(now):
    assert window_rates(work_of(now, 0.01, first=1.9), CPU).windows == pytest.approx([500] * clock.WINDOWS)


def test_a_window_holds_as_many_units_as_fill_it(now):
    work = work_of(now, 1e-4)
    window_rates(work, CPU)
    in_windows = round(clock.WINDOWS * clock.WINDOW_S / 1e-4)
    assert in_windows <= work.done[0] <= 2 * in_windows, "the windows, and a warm-up shorter than they are"


@pytest.mark.parametrize(("seconds", "units"), [(3.0, 1), (0.9, 2)])
def test_slow_work_is_measured_once(now, seconds, units):
    work = work_of(now, seconds)
    rates = window_rates(work, CPU)
    assert rates.windows == pytest.approx([5 / seconds]) and work.done[0] == units
    assert rates.spread is None, "one window has no spread"


def test_slow_steps_are_measured_in_fewer_windows(now):
    assert len(window_rates(work_of(now, 0.24), CPU, slow_s=float("inf")).windows) == 4, "four in a budget of 1 s"
    assert len(window_rates(work_of(now, 5.0), CPU, slow_s=float("inf")).windows) == 3, "a spread needs a few"


@pytest.mark.parametrize("units", [1, 2, 5, 9])
def test_work_that_ends_early_still_has_a_rate(now, units):
    rates = window_rates(work_of(now, 0.01, units=units), CPU)
    assert rates.centre == pytest.approx(500)


def test_no_work_has_no_rate(now):
    assert window_rates(work_of(now, 1, units=0), CPU) == Rates() and Rates().centre is Rates().spread is None


def test_spread_is_the_range_over_the_median():
    assert Rates((90.0, 100.0, 120.0)).spread == pytest.approx(0.3)


def test_a_gpu_is_timed_by_events_and_waited_for_once(monkeypatch):
    log = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self, stream):
            self.at = len(log)
            log.append("record")

        def synchronize(self):
            log.append("wait")

        def elapsed_time(self, other):
            return 1000.0 * (other.at - self.at)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: log.append("wait"))
    watch = Stopwatch(torch.device("cuda", 0))
    for _ in range(3):
        watch.mark()
    assert log == ["wait", "record", "record", "record", "record"], "marks wait for nothing"
    assert watch.intervals() == [1.0, 1.0, 1.0] and log.count("wait") == 2


def test_flops_of_a_linear_layer_and_of_a_convolution_by_hand():
    x = torch.randn(5, 3)
    with CountFlops() as counter:
        nn.Linear(3, 4)(x).sum().backward()
    assert counter.total == 2 * (2 * 5 * 3 * 4), "forward, and the gradient of the weights; x asks for none"
    with CountFlops() as counter, torch.no_grad():
        nn.Conv2d(3, 7, 3, padding=1)(torch.randn(2, 3, 8, 8))
    assert counter.total == 2 * 2 * 7 * 8 * 8 * 3 * 9


def test_flops_through_a_second_derivative():
    net = nn.Linear(3, 1, bias=False)
    x = torch.randn(5, 3, requires_grad=True)
    with CountFlops() as counter:
        slope = torch.autograd.grad(net(x).sum(), x, create_graph=True)[0]
        slope.square().sum().backward()
    assert counter.total >= 3 * (2 * 5 * 3), "value, slope, and the slope's own gradient"


def steps_of(batch, n):
    net = nn.Linear(3, 4)
    for _ in range(n):
        net(torch.randn(batch, 3)).sum().backward()
        yield {"examples": batch}


def test_flops_per_example_are_of_the_second_step():
    assert flops_per_example(steps_of(6, 2)) == 2 * (2 * 3 * 4)
    assert flops_per_example(steps_of(6, 1)) is None
    assert flops_per_example(iter([{"examples": 3}] * 3)) is None, "nothing was counted"


def test_the_calibration_multiplies_random_numbers(monkeypatch):
    """Of constant ones a card makes less heat, and clocks higher."""
    seen = []
    multiply = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b, out: (seen.append(float(a.float().std())), multiply(a, b, out=out)))
    for precision in ("fp32", "bf16"):
        peaks.measured_peaks(CPU, precision)
    assert seen == pytest.approx([1.0] * len(seen), abs=0.01) and len(seen) == 2 * (1 + peaks.REPEATS)


def test_a_card_is_kept_at_work_before_it_is_timed(now, monkeypatch):
    monkeypatch.setattr(peaks, "WARM_S", {"cpu": 0.2})
    log = []
    monkeypatch.setattr(Stopwatch, "mark", lambda self: log.append("mark"))
    monkeypatch.setattr(Stopwatch, "intervals", lambda self: [1.0])

    def call():
        now[0] += 0.0625
        log.append("call")

    peaks._best_seconds(call, CPU)
    assert log.index("mark") == 4, "calls of 1/16 s for 0.2 s"
    assert log[4:] == ["mark", *["call", "mark"] * peaks.REPEATS]


def test_the_calibration_takes_the_best_of_its_repetitions(monkeypatch):
    monkeypatch.setattr(Stopwatch, "intervals", lambda self: [0.5, 0.25, 1.0])
    found = peaks.measured_peaks(CPU)
    assert found == {"matmul_flops_per_s": 2 * 512**3 / 0.25, "copy_bytes_per_s": 2 * 2**25 / 0.25}


def test_bf16_is_calibrated_in_bf16(monkeypatch):
    seen = set()
    true = torch.mm
    monkeypatch.setattr(torch, "mm", lambda a, b, out: seen.add(a.dtype) or true(a, b, out=out))
    monkeypatch.setattr(peaks, "MATMUL_N", {"cpu": 16})
    monkeypatch.setattr(peaks, "COPY_BYTES", {"cpu": 64})
    peaks.measured_peaks(CPU, "bf16")
    assert seen == {torch.bfloat16}


def test_energy_without_a_gpu_or_its_library_is_none(monkeypatch):
    assert energy.open_meter(CPU) is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it raises
    assert energy.open_meter(torch.device("cuda", 0)) is None


def test_energy_is_read_from_the_devices_own_counter(monkeypatch):
    asked = []
    fake = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: asked.append(uuid) or "handle",
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 2500,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="ab-cd"))
    meter = energy.open_meter(torch.device("cuda", 0))
    assert meter.joules() == 2.5 and asked == ["GPU-ab-cd"]


def test_joules_per_1000_samples(now):
    meter = SimpleNamespace(joules=lambda: 30.0 * now[0])  # 30 W
    work = work_of(now, 0.01, examples=4)
    assert joules_per_1000(work, meter, CPU, at_least_s=0.5) == pytest.approx(1000 * 30.0 * 0.01 / 4)


def test_a_meter_waits_for_the_card_now_and_then_and_not_at_each_call(now, monkeypatch):
    waits = []
    monkeypatch.setattr(clock, "synchronize", waits.append)
    work = work_of(now, 0.0005)
    joules_per_1000(work, SimpleNamespace(joules=lambda: now[0]), CPU, at_least_s=1.0)
    assert work.done[0] == pytest.approx(2000, abs=100) and len(waits) <= 1 + 1.0 / clock.WINDOW_S


def switches():
    backends = torch.backends
    float32 = backends.cuda.matmul.fp32_precision, backends.cudnn.conv.fp32_precision, backends.cudnn.rnn.fp32_precision
    return *float32, backends.cudnn.benchmark, backends.cudnn.deterministic


EXACT, LOOSE = ("ieee", "ieee", "ieee", False, True), ("tf32", "tf32", "tf32", True, False)


def test_fp32_is_exact_and_repeatable_on_a_gpu_and_what_was_set_is_put_back():
    before = switches()
    with numerics("cuda"):
        assert switches() == EXACT
        with numerics("cuda", "bf16"):
            assert switches() == LOOSE
            with numerics("cuda", "fp32"):
                assert switches() == EXACT
        assert switches() == EXACT
    assert switches() == before
    with numerics("cpu", "bf16"):
        assert switches() == before, "a CPU has nothing to set"
    strict = {"tf32": False, "cudnn_benchmark": False, "cudnn_deterministic": True}
    assert settings_of("cpu", "bf16") is None and settings_of("cuda:0", "fp32") == strict


def test_numerics_hold_after_somebody_used_torchs_one_switch_for_all(monkeypatch):
    """Reading `allow_tf32` raises from then on."""
    code = (
        "import torch; from bench.run.precision import numerics; from tests.run.test_clock import EXACT, switches\n"
        "torch.backends.fp32_precision = 'tf32'\n"
        "before = torch.backends.fp32_precision, *switches()\n"
        "with numerics('cuda'): assert switches() == EXACT, switches()\n"
        "assert (torch.backends.fp32_precision, *switches()) == before, switches()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_cell_on_a_gpu_may_hold_cudas_libraries_too():
    request = {"suite": "smoke", "models": ("kde",), "datasets": ("iris",)}
    on_cpu, on_gpu = (make_plan(Request(device=device, **request)).cells[0] for device in ("cpu", "cuda"))
    assert on_gpu.memory_bytes - on_cpu.memory_bytes == 4 * 2**30


MODEL = '''
"""One linear layer."""
from dataclasses import dataclass
from typing import ClassVar
import torch

@dataclass(kw_only=True, eq=False)
class Linear:
    family: ClassVar[str] = "extension"
    steps: int = 100000
    compile: bool = False
    def fit(self, x, y=None, *, seed):
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self
    def fit_steps(self, x, y=None, *, seed):
        self.net_ = torch.nn.Linear(x.shape[1], 8)
        for _ in range(self.steps):
            self.net_.zero_grad()
            self.net_(x[:32]).square().sum().backward()
            yield {"examples": 32}
    def sample(self, n, *, seed):
        return self.net_.weight.new_zeros(n, self.net_.in_features)
'''


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    (folder / "linear.py").write_text(MODEL)
    (folder / "tiny.toml").write_text('datasets = ["iris"]\nseeds = 1\n[targets]\niris = 0.5\n')
    plan = make_plan(Request(suite=str(folder / "tiny.toml"), models=(str(folder / "linear.py"), "oracle")))
    return {cell.model["id"]: cell for cell in plan.cells}


def test_a_cells_throughput_says_how_it_was_measured(cells):
    found = clock_cell(cells["linear"])
    assert found["train_flops_per_example"] == 2 * (2 * 4 * 8), "forward and the weights' gradient, four features"
    assert found["share_of_peak"] == pytest.approx(
        found["train_flops_per_example"] * found["train_examples_per_s"] / found["calibration"]["matmul_flops_per_s"]
    )
    assert found["windows"] == {"train": clock.WINDOWS, "sample": clock.WINDOWS}
    assert (found["precision"], found["compiled"], found["threads"], found["contended"]) == ("fp32", False, 1, False)
    assert found["device"] and found["sample_examples_per_s"] > 0 and found["train_spread"] >= 0
    assert found["joules_per_1000_samples"] is None, "a CPU's energy is not read"


def test_the_oracle_has_no_speed(cells):
    found = clock_cell(cells["oracle"])
    assert found["train_examples_per_s"] is found["sample_examples_per_s"] is found["share_of_peak"] is None


def test_a_suites_target_reaches_its_cells_and_is_no_part_of_the_key(cells):
    from dataclasses import replace

    cell = cells["linear"]
    assert cell.target == 0.5 and replace(cell, target=1.0).key == cell.key
