"""Checkpoints: whole or not there, verified before they are used, and never executed."""

import contextlib
import errno
import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import save

from coterie.errors import StorageFault
from coterie.running import checkpoint, storage
from coterie.running.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint

PARTS = {
    "policy": {"q": np.linspace(-1, 1, 24).reshape(2, 3, 4), "seen": np.arange(6, dtype=np.int32)},
    "progress": {"draws": np.array([1, 2**64 - 1], np.uint64), "won": np.array([True, False])},
}
WANTED = ("policy", "progress")


def write(run, step=7, **facts):
    return save_checkpoint(run, step, PARTS, {"episode": step, **facts})


def read(run):
    return load_checkpoint(run, WANTED)


def refusal(run, wanted=WANTED) -> str:
    with pytest.raises(StorageFault) as caught:
        load_checkpoint(run, wanted)
    return str(caught.value)


def rewrite_part(folder, name, data):
    """Another file in the place of a part, with a manifest that agrees with it."""
    (folder / f"{name}.safetensors").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def claim(header: dict, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_what_is_saved_comes_back_bit_for_bit(tmp_path):
    folder = write(tmp_path, agents=["a", "b"], share=0.1)
    assert folder == tmp_path / "checkpoints" / "step_000000000007"
    parts, facts = read(tmp_path)
    assert facts == {"episode": 7, "agents": ["a", "b"], "share": 0.1}
    for name, arrays in PARTS.items():
        assert parts[name].keys() == arrays.keys()
        for key, array in arrays.items():
            assert parts[name][key].dtype == array.dtype
            assert parts[name][key].tobytes() == array.tobytes()


def test_only_the_parts_that_are_wanted_are_read(tmp_path):
    folder = write(tmp_path)
    (folder / "progress.safetensors").unlink()
    parts, _ = load_checkpoint(tmp_path, ("policy",))
    assert list(parts) == ["policy"]


def test_the_two_newest_are_kept(tmp_path):
    for step in (5, 10, 20, 100):
        write(tmp_path, step)
    assert [folder.name for folder in list_checkpoints(tmp_path)] == ["step_000000000020", "step_000000000100"]
    assert read(tmp_path)[1]["episode"] == 100


def test_one_of_the_same_step_is_replaced(tmp_path):
    write(tmp_path, best_team=1)
    write(tmp_path, best_team=2)
    assert read(tmp_path)[1]["best_team"] == 2
    assert os.listdir(tmp_path / "checkpoints") == ["step_000000000007"]


@pytest.mark.parametrize("name", WANTED)
@pytest.mark.parametrize("place", [0, 9, -1])
def test_a_flipped_bit_is_found(tmp_path, name, place):
    part = write(tmp_path) / f"{name}.safetensors"
    data = bytearray(part.read_bytes())
    data[place] ^= 1
    part.write_bytes(data)
    assert refusal(tmp_path) == f"{part} is not what was saved (its hash differs from the manifest's); it is damaged"


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_truncated_part_is_found_by_its_size(tmp_path, kept):
    part = write(tmp_path) / "policy.safetensors"
    whole = part.read_bytes()
    part.write_bytes(whole[:kept])
    assert f"its manifest says {len(whole):,}; it is damaged" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["policy.safetensors", "manifest.json"])
def test_a_missing_file_is_named(tmp_path, name):
    missing = write(tmp_path) / name
    missing.unlink()
    assert refusal(tmp_path) == f"{missing} cannot be read: No such file or directory"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "coterie-checkpoint-1"}', "\x00\xff"])
def test_what_is_no_manifest_is_refused(tmp_path, text):
    folder = write(tmp_path)
    (folder / "manifest.json").write_text(text)
    assert "is not a checkpoint's manifest" in refusal(tmp_path)


def test_a_foreign_format_is_named(tmp_path):
    folder = write(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": "coterie-checkpoint-9"}))
    assert refusal(tmp_path).endswith(
        "has the format 'coterie-checkpoint-9', this coterie reads 'coterie-checkpoint-1'"
    )


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "policy/../../secret", ".policy", "Policy", "a" * 60])
def test_a_part_cannot_lead_out_of_its_folder(tmp_path, name):
    """Even where a manifest names the file outside, with its right hash."""
    folder = write(tmp_path)
    data = save({"q": np.zeros(3)})
    (folder.parent / "secret.safetensors").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert f"has no part '{name}'" in refusal(tmp_path, (name,))
    assert read(tmp_path)[1] == {"episode": 7}


@pytest.mark.parametrize(
    "data",
    [
        claim({"q": {"dtype": "F64", "shape": [2**40, 2**20], "data_offsets": [0, 8]}}, bytes(8)),
        claim({"q": {"dtype": "F64", "shape": [2**61], "data_offsets": [0, 8]}}, bytes(8)),
        claim({"q": {"dtype": "F64", "shape": [1], "data_offsets": [0, 2**50]}}, bytes(8)),
        claim({"q": {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
        (2**60).to_bytes(8, "little") + b"{}",
        b"\x80\x04K\x01.",
    ],
    ids=["huge shape", "overflowing shape", "huge offset", "objects", "huge header", "a pickle"],
)
def test_a_file_that_lies_about_its_size_is_refused(tmp_path, data):
    rewrite_part(write(tmp_path), "policy", data)
    assert "policy.safetensors is not a safetensors file" in refusal(tmp_path)


def test_a_damaged_newest_falls_back_to_the_older(tmp_path):
    write(tmp_path, 1)
    newest = write(tmp_path, 2)
    (newest / "policy.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="policy.safetensors has 0 bytes.*damaged; step_000000000001 is taken instead"):
        assert load_checkpoint(tmp_path, WANTED, older=True)[1]["episode"] == 1
    assert "step_000000000002" in refusal(tmp_path)  # where nothing says that an older one will do


def test_where_both_are_damaged_the_newest_is_told(tmp_path):
    for step in (1, 2):
        (write(tmp_path, step) / "policy.safetensors").write_bytes(b"")
    assert "step_000000000002" in refusal(tmp_path)


def test_a_run_without_a_checkpoint_says_so(tmp_path):
    assert "holds no checkpoint" in refusal(tmp_path)
    (tmp_path / "checkpoints" / ".new-abc").mkdir(parents=True)
    (tmp_path / "checkpoints" / "step_7").mkdir()
    assert "holds no checkpoint" in refusal(tmp_path)


class Full(OSError):
    def __init__(self):
        super().__init__(errno.ENOSPC, "No space left on device")


def failing(monkeypatch, module, name, after=0):
    """Let one call of a function of a module fail, after so many that do not."""
    real, calls = getattr(module, name), []

    def function(*arguments, **more):
        calls.append(1)
        if len(calls) == after + 1:
            raise Full
        return real(*arguments, **more)

    monkeypatch.setattr(module, name, function)


@pytest.mark.parametrize("name", ["rename", "replace", "fsync"])
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("step", [7, 8], ids=["the same step", "a new step"])
def test_a_failing_disk_leaves_the_older_checkpoint_and_nothing_else(tmp_path, monkeypatch, name, after, step):
    write(tmp_path, 7, best_team=1)
    with monkeypatch.context() as patch:
        failing(patch, os, name, after)
        expected = {7: 1}
        with contextlib.suppress(StorageFault):
            write(tmp_path, step, best_team=2)
            expected[step] = 2  # so many calls were not made
    assert sorted(os.listdir(tmp_path / "checkpoints")) == [f"step_{number:012d}" for number in expected]
    assert read(tmp_path)[1]["best_team"] == expected[max(expected)]


def test_a_failing_disk_does_fail(tmp_path, monkeypatch):
    """The test above must not pass because nothing was patched."""
    failing(monkeypatch, os, "rename")
    with pytest.raises(StorageFault, match="could not be written: No space left on device"):
        write(tmp_path)
    assert os.listdir(tmp_path / "checkpoints") == []


def test_ctrl_c_while_saving_leaves_nothing_half_written(tmp_path, monkeypatch):
    write(tmp_path, 1)

    def interrupted(arrays):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, 2)
    assert os.listdir(tmp_path / "checkpoints") == ["step_000000000001"]


def test_what_a_killed_process_left_is_swept(tmp_path):
    home = tmp_path / "checkpoints"
    write(tmp_path, 1)
    shutil.copytree(home / "step_000000000001", home / ".new-killed")
    shutil.copytree(home / "step_000000000001", home / ".old-killed")
    write(tmp_path, 2)
    assert sorted(os.listdir(home)) == ["step_000000000001", "step_000000000002"]


def test_a_file_keeps_its_old_content_where_writing_fails(tmp_path, monkeypatch):
    place = tmp_path / "kept.json"
    storage.write_atomically(place, "old")
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            failing(patch, os, name)
            with pytest.raises(StorageFault, match=r"kept.json cannot be written: No space left on device"):
                storage.write_atomically(place, "new")
    assert place.read_text() == "old"
    assert os.listdir(tmp_path) == ["kept.json"]


def test_a_file_in_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(StorageFault, match="cannot be written: No such file or directory"):
        storage.write_atomically(tmp_path / "nowhere" / "file", b"")
