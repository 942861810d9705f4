"""The scanner's classes on an ARM processor (class_neon): equal to the plain ones, bit for bit.

Wants Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user, which are not installed for
the other tests' sake; the headers of GLib say the same of both processors.
"""
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parents[2]
HUNT = HERE / "src/p1_resilience/hunt"
COMPILER, MACHINE = "aarch64-linux-gnu-gcc", "qemu-aarch64"


@pytest.mark.skipif(not (shutil.which(COMPILER) and shutil.which(MACHINE)), reason=f"no {COMPILER} or no {MACHINE}")
def test_the_classes_by_neon_are_the_plain_ones(tmp_path):
    program = tmp_path / "neon"
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0"], check=True, capture_output=True, text=True).stdout.split()
    strict = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror"]
    subprocess.run([COMPILER, "-std=gnu17", "-O2", "-static", *strict, "-I", HERE / "src", *flags, "-o", program,
                    HERE / "tests/cross/neon.c", HUNT / "class.c", HUNT / "class_neon.c"], check=True)
    done = subprocess.run([MACHINE, program], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "0\n")
