#!/usr/bin/env python3
"""The installed library: a build is installed into a folder of its own, the folder is moved, and programs are made with
what is in it alone: those of examples/embed and of this folder, as C11 and as C++17, with pkg-config and with CMake's
package, with the shared library and with the archive. STREAMD_BUILD is the build, ./build if it is not set.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("STREAMD_BUILD", ROOT / "build"))
STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g"]
LANGUAGES = {"c11": ["-x", "c", "-std=c11"], "c++17": ["-x", "c++", "-std=c++17"]}
SOURCES = sorted([*ROOT.glob("examples/embed/*.c"), *ROOT.glob("tests/embed/*.c")])
PROJECT = """\
cmake_minimum_required(VERSION 3.22)
project(embeds LANGUAGES C)
find_package(streamd 0.1 REQUIRED)
add_executable(shared {source})
target_link_libraries(shared PRIVATE streamd::streamd)
add_executable(static {source})
target_link_libraries(static PRIVATE streamd::static)
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def sanitizers():
    found = re.search(r"^STREAMD_SANITIZE:STRING=(.+)$", (BUILD / "CMakeCache.txt").read_text(), flags=re.M)
    return [f"-fsanitize={found[1]}"] if found else []


class Embed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="streamd-embed-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.prefix = cls.folder / "moved"
        run("cmake", "--install", BUILD, "--prefix", cls.folder / "installed")
        shutil.move(cls.folder / "installed", cls.prefix)
        cls.libraries = next(cls.prefix.rglob("libstreamd.a")).parent
        cls.env = os.environ | {"PKG_CONFIG_PATH": str(cls.libraries / "pkgconfig"),
                                "LD_LIBRARY_PATH": str(cls.libraries)}
        cls.sanitize = sanitizers()

    def flags(self, *more):
        return run("pkg-config", "--cflags", "--libs", *more, "streamd", env=self.env).stdout.split()

    def compile(self, compiler, language, source, flags, name):
        program = self.folder / f"{source.stem}-{name}"
        ours = ["-D_GNU_SOURCE", "-pthread", "-iquote", ROOT] if source.is_relative_to(ROOT / "tests") else []
        run(compiler, *LANGUAGES[language], *STRICT, *self.sanitize, *ours, source, "-x", "none", *flags, "-o", program)
        return program

    def run_program(self, program):
        """An example may speak; what tests the library must be silent, so that a word of the library is seen."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            (pathlib.Path(place) / "data").mkdir()
            done = run(program, f"{place}/data", cwd=place, env=self.env, timeout=120)
            self.assertEqual(done.stderr, "")
            if (ROOT / "tests/embed" / (program.name.partition("-")[0] + ".c")).exists():
                self.assertEqual(done.stdout, "")
            self.assertEqual(os.listdir(place), ["data"], "it wrote beside its folder")
        return done.stdout

    def test_as_c_and_c_plus_plus(self):
        """Every program is compiled as both, and run."""
        for source in SOURCES:
            for compiler, language in ("g++", "c++17"), ("gcc", "c11"):
                with self.subTest(source=source.name, language=language):
                    self.run_program(self.compile(compiler, language, source, self.flags(), language))

    def test_another_compiler(self):
        if not shutil.which("clang") or self.sanitize:
            self.skipTest("there is no clang, or its sanitizers would meet gcc's")
        for language in LANGUAGES:
            self.compile("clang", language, ROOT / "examples/embed/test_driver.c", self.flags(), language)

    def test_archive(self):
        """The archive by pkg-config, with a C linker and with a C++ one."""
        flags = [f.replace("-lstreamd", "-l:libstreamd.a") for f in self.flags("--static")]
        for compiler, language in ("gcc", "c11"), ("g++", "c++17"):
            program = self.compile(compiler, language, ROOT / "examples/embed/run_topology.c", flags, "static")
            self.assertNotIn("libstreamd", run("ldd", program).stdout)
            self.assertIn('anna {"n":2,"total":12}', self.run_program(program))

    def test_cmake_package(self):
        source = self.folder / "project"
        source.mkdir()
        (source / "CMakeLists.txt").write_text(PROJECT.format(source=ROOT / "examples/embed/test_driver.c"))
        run("cmake", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_FLAGS={' '.join(self.sanitize)}")
        run("cmake", "--build", source / "build")
        for program in "shared", "static":
            self.assertNotIn("FAIL", self.run_program(source / "build" / program))

    def test_symbols(self):
        """What both define for others is what the headers declare, no more and no less."""
        declared = set()
        for header in (self.prefix / "include/streamd").glob("*.h"):
            text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
            for declaration in re.findall(r"^STREAMD_API\b[^;{]*;", text, flags=re.M):
                declared.add(re.search(r"\b(streamd_\w+)\s*\(", declaration)[1])
        self.assertGreater(len(declared), 50)
        for library in ["-D", self.libraries / "libstreamd.so"], ["-g", self.libraries / "libstreamd.a"]:
            lines = run("nm", "--defined-only", "--format=posix", *library).stdout.splitlines()
            names = {line.split()[0] for line in lines if line and not line.endswith(":")}
            self.assertEqual(names ^ declared, set())

    def test_program(self):
        version = run(self.prefix / "bin/streamd", "--version").stdout.split()[1]
        self.assertEqual(run("pkg-config", "--modversion", "streamd", env=self.env).stdout.strip(), version)


if __name__ == "__main__":
    unittest.main()
