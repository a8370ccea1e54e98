"""Modules that were published pickled: their parameters come out, and no code of the file runs."""

from __future__ import annotations

import copyreg
import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.pickled import convert, read_parameters


class Net(nn.Module):
    """A network as an author's script defines it: nothing here imports it again."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
        self.tail = nn.Conv2d(4, 1, 3, bias=False)
        self.register_buffer("sixteen_bits", torch.arange(6, dtype=torch.float16))
        self.register_parameter("nothing", None)


def old(held: object, file: Path) -> Path:
    """Save in the format of before PyTorch 1.6."""
    torch.save(held, file, _use_new_zipfile_serialization=False)
    return file


def same(found: dict[str, Any], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(found[name], value.numpy()), name
        assert found[name].dtype == value.numpy().dtype


@pytest.mark.parametrize("wrap", [lambda net: net, lambda net: {"epoch": 50, "model": net}])
def test_parameters_and_buffers_come_out_under_their_names(wrap: Any, tmp_path: Path) -> None:
    net = Net()
    same(read_parameters(old(wrap(net), tmp_path / "net.pth")), net.state_dict())


def test_tensors_that_share_a_storage_or_lie_crosswise_come_out(tmp_path: Path) -> None:
    net = nn.Module()
    whole = torch.arange(24.0).reshape(4, 6)
    net.register_buffer("part", whole[1:, 2:4])
    net.register_buffer("crosswise", whole.T)
    net.register_buffer("single", torch.tensor(3.5))
    same(read_parameters(old(net, tmp_path / "net.pth")), net.state_dict())


def test_parameters_of_the_first_pytorch_versions_come_out(tmp_path: Path) -> None:
    """They were made from the class itself and a state, not by a function as today."""
    net = Net()

    def reduce(parameter: nn.Parameter) -> tuple[Any, ...]:
        return nn.Parameter, (parameter.data,), (True, False, {})

    def reduce_new(parameter: nn.Parameter) -> tuple[Any, ...]:
        return copyreg.__newobj__, (nn.Parameter, parameter.data), (True, False, {})  # type: ignore[attr-defined]

    for number, how in enumerate((reduce, reduce_new)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.Parameter, "__reduce_ex__", lambda self, protocol, how=how: how(self))
            file = old(net, tmp_path / f"{number}.pth")
        same(read_parameters(file), net.state_dict())


class Trap:
    """Touches a file when it is unpickled the usual way."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_no_code_of_the_file_runs(tmp_path: Path) -> None:
    net, mark = Net(), tmp_path / "touched"
    net.trap = Trap(mark)
    file = old({"model": net, "more": Trap(mark)}, tmp_path / "net.pth")
    assert not mark.exists()
    same(read_parameters(file), net.state_dict())
    assert not mark.exists()
    torch.load(file, weights_only=False)
    assert mark.exists()


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps(1), pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1000)]
)
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(SuiteError, match=r"net\.pth is no pickled module that can be converted"):
        read_parameters(tmp_path / "net.pth")


def test_a_file_that_is_cut_off_or_holds_no_module_is_refused(tmp_path: Path) -> None:
    file = old(Net(), tmp_path / "net.pth")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(SuiteError, match="no pickled module"):
        read_parameters(file)
    for held, count in (({"state": Net().state_dict()}, 0), ({"a": Net(), "b": Net()}, 2)):
        with pytest.raises(SuiteError, match=f"it holds {count} modules"):
            read_parameters(old(held, file))
    with pytest.raises(SuiteError, match="cannot read"):
        read_parameters(tmp_path / "nowhere")


def test_a_conversion_with_another_digest_is_not_kept(tmp_path: Path) -> None:
    file = old(Net(), tmp_path / "net.pth")
    with pytest.raises(SuiteError, match="gives other parameters than the known ones"):
        convert(file, tmp_path / "net.safetensors", "0" * 64)
    assert not (tmp_path / "net.safetensors").exists()


@pytest.mark.parametrize("path", ["VDSR/vdsr.safetensors", "LapSRN/lapsrn.safetensors"])
def test_the_known_parameters_of_a_module_give_the_known_file(path: str, home: Path, tmp_path: Path) -> None:
    known = home / "weights" / path
    root = nn.Module()
    for name, value in load_file(known).items():
        *inner, leaf = name.split(".")
        module = root
        for part in inner:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module.get_submodule(part)
        module.register_parameter(leaf, nn.Parameter(value))
    file = old({"epoch": 50, "model": root}, tmp_path / "model.pth")
    convert(file, tmp_path / "new.safetensors", hashlib.sha256(known.read_bytes()).hexdigest())
    assert (tmp_path / "new.safetensors").read_bytes() == known.read_bytes()
