# SPDX-License-Identifier: MIT
"""The forms of a result: JSON by its schema, JUnit XML, Markdown, the page."""

import html.parser
import json
import unittest
import xml.etree.ElementTree as xml

from support import ROOT, Case
from hakci import result


def stage(name, status, **more):
    return {"name": name, "group": name.split(".")[0], "title": name, "status": status,
            "reason": "", "exit_status": 0, "duration_s": 1.5, "limit_s": 9,
            "command": ["x", "<y>"], "log": f"logs/{name}.log", "figures": {}, "tail": "", **more}


NASTY = "</script><i>&\x1b[31m ]]> @DATA@ | ```"


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.result = result.new("quick", 7, 4)
        self.result["stages"] = [
            stage("build.release", "pass", figures={"tests": 12, "rate": 0.25, "who": "<me>"}),
            stage("stress.mixed", "fail", reason="exit status 1", exit_status=1, tail=NASTY),
            stage("control", "absent", reason="not there yet", log=None)]

    def close(self):
        result.close(self.result, 12.3, interrupted=False)
        result.write_all(self.result, self.folder)

    def test_verdicts(self):
        result.close(self.result, 1, interrupted=False)
        self.assertEqual(self.result["verdict"], "fail")
        self.assertEqual(self.result["counts"], {"pass": 1, "fail": 1, "timeout": 0, "not_run": 0,
                                                 "absent": 1})
        for bad in ("timeout", "not_run"):
            self.result["stages"][1]["status"] = bad
            result.close(self.result, 1, interrupted=False)
            self.assertEqual(self.result["verdict"], "fail")
        self.result["stages"][1]["status"] = "pass"
        result.close(self.result, 1, interrupted=False)
        self.assertEqual(self.result["verdict"], "pass")
        result.close(self.result, 1, interrupted=True)
        self.assertEqual(self.result["verdict"], "interrupted")

    def test_the_json_is_what_the_schema_says(self):
        self.close()
        schema = json.loads((ROOT / "ci/validate.schema.json").read_text())
        found = json.loads((self.folder / "result.json").read_text())
        self.assert_conforms(found, schema, schema)

    def assert_conforms(self, value, schema, root, where="result"):
        """As much of JSON Schema as the schema uses."""
        schema = root["$defs"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
                 "number": (int, float), "null": type(None)}
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types:
            self.assertTrue(any(isinstance(value, kinds[name]) for name in types), where)
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if "const" in schema:
            self.assertEqual(value, schema["const"], where)
        if isinstance(value, dict) and "properties" in schema:
            self.assertEqual(set(schema["required"]) - set(value), set(), where)
            if not schema.get("additionalProperties", True):
                self.assertEqual(set(value) - set(schema["properties"]), set(), where)
            for name, inner in schema["properties"].items():
                self.assert_conforms(value[name], inner, root, f"{where}.{name}")
        if isinstance(value, list) and "items" in schema:
            for item in value:
                self.assert_conforms(item, schema["items"], root, where + "[]")

    def test_the_schema_can_be_broken(self):
        schema = json.loads((ROOT / "ci/validate.schema.json").read_text())
        self.close()
        for break_it in (lambda value: value.pop("seed"), lambda value: value.update(extra=1),
                         lambda value: value["stages"][0].update(status="maybe")):
            found = json.loads((self.folder / "result.json").read_text())
            break_it(found)
            with self.assertRaises(AssertionError):
                self.assert_conforms(found, schema, schema)

    def test_junit(self):
        (self.folder / "ctest-checked.xml").write_text(
            '<testsuite name="(empty)" tests="1"><testcase name="unit.a"/></testsuite>')
        self.close()
        root = xml.parse(self.folder / "junit.xml").getroot()
        suites = {suite.get("name"): suite for suite in root}
        self.assertEqual(set(suites), {"build", "stress", "control", "ctest.checked"})
        self.assertEqual(suites["stress"].get("failures"), "1")
        failure = suites["stress"].find("testcase/failure")
        self.assertEqual(failure.get("message"), "exit status 1")
        self.assertEqual(failure.text, NASTY.replace("\x1b", ""))
        self.assertIsNotNone(suites["control"].find("testcase/skipped"))

    def test_markdown(self):
        self.close()
        text = (self.folder / "summary.md").read_text()
        self.assertTrue(text.startswith("# hakmem: FAIL\n"))
        self.assertIn("| build.release | passed | 1.5 | tests 12, rate 0.25, who <me> |", text)
        self.assertEqual(text.count("```"), 2)

    def test_the_page_is_whole_and_escaped(self):
        self.close()
        text = (self.folder / "report.html").read_text()
        parser = Page()
        parser.feed(text)
        self.assertEqual(parser.open, [])
        self.assertIn("</script><i>&", "".join(parser.texts))  # the tail, as text
        self.assertNotIn("i", parser.tags)
        self.assertNotIn("src", parser.attributes)  # nothing from elsewhere
        for heading in ("Builds ", "Planted bugs", "Where the time went"):
            self.assertIn(heading, parser.texts)
        times = json.loads(parser.data)[-1]
        self.assertEqual((times["id"], times["bad"]), ("times-chart", [False, True]))


class Page(html.parser.HTMLParser):
    """Collects texts, tags and attributes, and keeps book of open elements."""

    VOID = {"meta", "link", "br", "img"}

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.tags, self.attributes, self.data = [], [], set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs).get("id")))

    def handle_endtag(self, tag):
        if self.open.pop()[0] != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] == ("script", "data"):
            self.data += data
        elif self.open and self.open[-1][0] != "script":
            self.texts.append(data)


if __name__ == "__main__":
    unittest.main()
