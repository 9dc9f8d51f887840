"""Compiled once, shared while used, freed after, found on the disk next time."""

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest

from native.samples import kernels
from wengert.native import jit
from wengert.native.cache import Cache
from wengert.native.jit import Code, Session, written
from wengert.native.llvm import I64, Module, ir


def _returns(number: int):
    def define(module: Module, name: str) -> None:
        function = ir.Function(module, ir.FunctionType(I64, []), name)
        ir.IRBuilder(function.append_basic_block()).ret(ir.Constant(I64, number))

    return define


def _call(address: int) -> int:
    return ctypes.CFUNCTYPE(ctypes.c_int64)(address)()


@pytest.fixture
def fresh(tmp_path: Path) -> Session:
    return Session(Cache(tmp_path))


def test_equal_codes_share_one_kernel_in_one_object(fresh: Session):
    codes = [Code("seven", _returns(7)), Code("eight", _returns(8)), Code("seven", _returns(7))]
    kernels = fresh.load(codes)
    assert [_call(kernel.address) for kernel in kernels] == [7, 8, 7]
    assert kernels[0] is kernels[2] and fresh.compiled == 1
    again = fresh.load([Code("eight", _returns(8)), Code("nine", _returns(9))])
    assert again[0] is kernels[1] and _call(again[1].address) == 9 and fresh.compiled == 2


def test_written_code_is_known_by_its_body_not_its_name(fresh: Session):
    one, other = written(_returns(7)), written(_returns(7))
    assert one == other and one != written(_returns(8))
    first, second = fresh.load([one, other])
    assert first is second


def test_the_disk_answers_the_next_session(tmp_path: Path):
    for compiled in (1, 0):
        session = Session(Cache(tmp_path))
        (kernel,) = session.load([Code("seven", _returns(7))])
        assert _call(kernel.address) == 7 and session.compiled == compiled


@pytest.mark.parametrize("damage", [lambda d: d[:-9], lambda d: d[:99] + b"x" + d[100:]])
def test_a_damaged_object_is_compiled_again(tmp_path: Path, damage):
    Session(Cache(tmp_path)).load([Code("seven", _returns(7))])
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    session = Session(Cache(tmp_path))
    (kernel,) = session.load([Code("seven", _returns(7))])
    assert _call(kernel.address) == 7 and session.compiled == 1


def test_sealed_nonsense_is_compiled_again(tmp_path: Path):
    Session(Cache(tmp_path)).load([Code("seven", _returns(7))])
    (path,) = tmp_path.iterdir()
    Cache(tmp_path).put(path.stem, b"not an object file")
    session = Session(Cache(tmp_path))
    (kernel,) = session.load([Code("seven", _returns(7))])
    assert _call(kernel.address) == 7 and session.compiled == 1


@pytest.mark.parametrize("changed", ["VERSION", "_writers"])
def test_another_version_is_another_object(tmp_path: Path, monkeypatch, changed: str):
    Session(Cache(tmp_path)).load([Code("seven", _returns(7))])
    monkeypatch.setattr(jit, changed, "0.0" if changed == "VERSION" else lambda: "other")
    session = Session(Cache(tmp_path))
    session.load([Code("seven", _returns(7))])
    assert session.compiled == 1 and len(list(tmp_path.iterdir())) == 2


def test_a_kernel_is_freed_with_its_last_user(fresh: Session):
    (kernel,) = fresh.load([Code("seven", _returns(7))])
    assert len(fresh._kernels) == 1
    del kernel
    gc.collect()
    assert len(fresh._kernels) == 0
    (again,) = fresh.load([Code("seven", _returns(7))])
    assert _call(again.address) == 7


def test_symbols_of_the_process_are_found(fresh: Session):
    text = "declare double @cos(double)\ndefine double @one() {\n"
    text += "  %r = call double @cos(double 0.0)\n  ret double %r\n}\n"
    library = fresh.text(text, ["one"])
    assert ctypes.CFUNCTYPE(ctypes.c_double)(library.addresses["one"])() == 1.0


def test_the_pipeline_runs_where_asked_for(fresh: Session):
    body = "define i64 @f() {\n  %p = alloca i64\n  store i64 5, ptr %p\n"
    body += "  %v = load i64, ptr %p\n  ret i64 %v\n}\n"
    plain, optimised = (fresh._object(body, optimise=on) for on in (False, True))
    assert len(optimised) <= len(plain)
    library = fresh.text(body, ["f"], optimise=True)
    assert _call(library.addresses["f"]) == 5


def test_wrong_ir_is_refused(fresh: Session):
    with pytest.raises(RuntimeError):
        fresh.text("define i64 @f() {\n  ret i32 0\n}\n", ["f"])


def test_a_process_ends_cleanly_with_kernels_in_memory():
    command = "from wengert.native.walker import calls; calls()"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=False)
    assert done.returncode == 0 and done.stderr == b""


def test_samples_compile():
    library = kernels()
    assert set(library.addresses) == {"count", "copy", "sum", "slow"}
