#!/usr/bin/env python3
"""The check scripts find what they are there for: each on a tree with one planted violation, and on a clean one."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"

HEADER = """\
#define STREAMD_STATUS_MAP(X) X(OK, 0, "success") X(E_NOMEM, -1, "out of memory")

/* What went wrong. */
typedef struct streamd_error streamd_error;

STREAMD_API int         streamd_error_status(const streamd_error *error);
STREAMD_API const char *streamd_error_message(const streamd_error *error);

/* Make a thing.
 *
 * Errors   E_NOMEM.
 * Owns     The caller frees *thing.
 */
STREAMD_API int streamd_thing_new(int **thing,
                                  streamd_error **error);
STREAMD_API void streamd_thing_free(int *thing);
"""

CLEAN = {
    "include/streamd/streamd.h": HEADER,
    "include/streamd/README.md": "The public headers.\n",
    "engine/base/README.md": "Base.\n",
    "engine/base/text.h": '#include <stdio.h>\n#include "streamd/streamd.h"\nint sx_text(void); /* not printf() */\n',
    "engine/base/text.c":
        '#include "engine/base/text.h"\n\nint sx_text(void) { return snprintf(0, 0, "sprintf()"); }\n',
    "engine/log/README.md": "Log.\n",
    "engine/log/kafka.c": '#include <librdkafka/rdkafka.h>\n#include "engine/base/text.h"\n',
    "operators/README.md": "Operators.\n",
    "operators/operators.def": "/* The rows. */\nSX_OPERATOR(filter)\n",
    "operators/filter.c": "const struct sx_operator_def sx_operator_filter = {\n    .name = \"filter\",\n};\n",
    "streamd/README.md": "The front door.\n",
    "streamd/command/README.md": "Commands.\n",
    "streamd/command/main.c":
        '#include <stdio.h>\n#include "dsl/compile.h"\n\nint main(void) { return puts("hello"); }\n',
    "tests/README.md": "Tests.\n",
    "tests/unit/base/test_text.c": '#include "helper.h"\n#include "engine/base/text.h"\n',
}


def lines(count):
    return "int x;\n" * count


class Checks(unittest.TestCase):
    def run_on(self, script, **changed):
        """Exit code and findings of a script on the clean tree with `files` changed and those of `without` gone."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in (CLEAN | changed.pop("files", {})).items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            for name in changed.pop("without", ()):
                pathlib.Path(root, name).unlink()
            done = subprocess.run([sys.executable, TOOLS / script, "--root", root], capture_output=True, text=True,
                                  check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done.returncode, done.stdout

    def finds(self, script, where, what, **changed):
        code, found = self.run_on(script, **changed)
        self.assertEqual(code, 1, found)
        hits = [f for f in found.splitlines() if f.startswith(where + ":") and what in f]
        self.assertEqual(len(hits), 1, f"expected one finding at {where} with {what!r}:\n{found}")
        self.assertEqual(len(found.splitlines()), 1, found)

    def test_clean_tree_passes_every_check(self):
        for script in sorted(TOOLS.glob("check_*.py")):
            if script.name != "check_format.py":  # What clang-format wants is not the matter here.
                self.assertEqual(self.run_on(script.name), (0, ""), script.name)

    # --- layers

    def test_arrow_that_points_up(self):
        self.finds("check_layers.py", "engine/base/text.c:2", "engine/base must not include engine/log",
                   files={"engine/base/text.c": '#include "engine/base/text.h"\n#include "engine/log/log.h"\n'})

    def test_sibling(self):
        self.finds("check_layers.py", "operators/filter.c:1", "operators must not include dsl",
                   files={"operators/filter.c": '#include "dsl/compile.h"\n'})

    def test_front_door_is_not_for_the_engine(self):
        self.finds("check_layers.py", "engine/log/kafka.c:1", "engine/log must not include streamd",
                   files={"engine/log/kafka.c": '#include "streamd/http.h"\n'})

    def test_examples_see_only_the_public_headers(self):
        self.finds("check_layers.py", "examples/embed/a.c:2", "examples must not include engine/base",
                   files={"examples/embed/a.c": '#include "streamd/streamd.h"\n#include "engine/base/text.h"\n'})

    def test_library_header_out_of_its_folder(self):
        self.finds("check_layers.py", "streamd/pages.c:1", "go through engine/disk/disk.h",
                   files={"streamd/pages.c": "#include <rocksdb/c.h>\n"})

    def test_include_not_from_the_root(self):
        self.finds("check_layers.py", "engine/base/text.c:1", 'write "engine/base/text.h"',
                   files={"engine/base/text.c": '#include "text.h"\n'})

    def test_include_in_a_comment_is_none(self):
        self.assertEqual(self.run_on("check_layers.py", files={
            "engine/base/text.c": '/*\n#include "engine/log/log.h"\n*/\n'}), (0, ""))

    def test_folder_without_a_row(self):
        self.finds("check_layers.py", "extra/a.c:1", "not in the table", files={"extra/a.c": "int a;\n"})

    # --- tables

    def test_row_without_a_file(self):
        self.finds("check_tables.py", "operators/operators.def:2", "sx_operator_map",
                   files={"operators/operators.def": "SX_OPERATOR(filter)\nSX_OPERATOR(map)\n"})

    def test_file_without_a_row(self):
        self.finds("check_tables.py", "operators/map.c:2", "sx_operator_map has no row", files={
            "operators/map.c": "static int a;\nconst struct sx_operator_def sx_operator_map = {\n    .name = 0,\n};\n"})

    def test_internal_needs_no_row(self):
        self.assertEqual(self.run_on("check_tables.py", files={
            "operators/source.c": "const struct sx_operator_def sx_operator_source = {\n    .internal = true,\n};\n"}),
            (0, ""))

    def test_row_twice(self):
        self.finds("check_tables.py", "operators/operators.def:2", "a row already, in line 1",
                   files={"operators/operators.def": "SX_OPERATOR(filter)\nSX_OPERATOR(filter)\n"})

    def test_what_is_no_row(self):
        self.finds("check_tables.py", "operators/operators.def:2", "not a row",
                   files={"operators/operators.def": "SX_OPERATOR(filter)\nfilter\n"})

    # --- header

    def header(self, where, what, old, new):
        self.assertIn(old, HEADER)
        line = (HEADER.replace(old, new, 1)[:HEADER.index(old)].count("\n") + 1) if where is None else where
        self.finds("check_header.py", f"include/streamd/streamd.h:{line}", what,
                   files={"include/streamd/streamd.h": HEADER.replace(old, new, 1)})

    def test_function_without_a_comment(self):
        self.header(18, "streamd_more has no comment", "streamd_thing_free(int *thing);\n",
                    "streamd_thing_free(int *thing);\n\nSTREAMD_API int streamd_more(void);\n")

    def test_section_line_is_no_comment(self):
        self.header(19, "streamd_more has no comment", "streamd_thing_free(int *thing);\n",
                    "streamd_thing_free(int *thing);\n\n/* ---- More ---- */\nSTREAMD_API int streamd_more(void);\n")

    def test_tags_out_of_order(self):
        self.header(9, "in the order Errors, Owns", " * Errors   E_NOMEM.\n * Owns     The caller frees *thing.\n",
                    " * Owns     The caller frees *thing.\n * Errors   E_NOMEM.\n")

    def test_unknown_tag(self):
        self.header(9, "Returns is not a tag", " * Owns     The", " * Returns  The")

    def test_missing_errors(self):
        self.header(13, "streamd_thing_new can fail", " * Errors   E_NOMEM.\n", "")

    def test_unknown_status(self):
        self.header(9, "E_NOWHERE is no status", "Errors   E_NOMEM", "Errors   E_NOWHERE")

    # --- style

    def style(self, where, what, path, text, **more):
        self.finds("check_style.py", f"{path}:{where}", what, files={path: text}, **more)

    def test_banned_call(self):
        self.style(2, "strcpy is banned; use memcpy", "engine/base/a.c", "/* strcpy(a, b) */\nint a = strcpy(b, c);\n")

    def test_banned_call_as_a_member_is_none(self):
        self.assertEqual(self.run_on("check_style.py", files={
            "state/README.md": "State.\n", "state/a.c": "int a = p->rand(1) + x.gets(2);\n"}), (0, ""))

    def test_library_prints(self):
        self.style(1, "printf: a library does not write", "engine/base/a.c", 'int a = printf("x");\n')

    def test_width(self):
        self.style(1, "111 columns", "engine/base/a.c", "/" * 111 + "\n")

    def test_tab(self):
        self.style(1, "a tab", "engine/base/a.c", "\tint a;\n")

    def test_trailing_space(self):
        self.style(1, "white space at the end", "docs/a.md", "text \n")

    def test_note_to_self(self):
        self.style(1, "do it now", "engine/base/a.c", "/* TO" "DO: later */\n")

    def test_missing_page(self):
        self.style(1, "missing", "engine/base/README.md", "x", without=["engine/base/README.md"])

    def test_long_file(self):
        self.style(600, "601 lines", "engine/base/a.c", lines(601))

    def test_long_file_with_a_reason(self):
        self.assertEqual(self.run_on("check_style.py", files={
            "engine/base/a.c": lines(601), "tools/long_files.txt": "engine/base/a.c  one loop\n"}), (0, ""))

    def test_long_file_that_is_short_again(self):
        self.style(1, "drop its line", "tools/long_files.txt", "engine/base/text.c  one loop\n")

    # --- format

    def test_format(self):
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, "engine", "a.c")
            path.parent.mkdir()
            path.write_text("int a=1;\n", encoding="utf-8")
            command = [sys.executable, TOOLS / "check_format.py", "--root", root]
            first = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual((first.returncode, first.stdout.count("engine/a.c:1:")), (1, 1), first)
            subprocess.run([*command, "--fix"], capture_output=True, check=True)
            self.assertEqual(path.read_text(encoding="utf-8"), "int a = 1;\n")
            self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
