"""Templates that would take for ever, or all of the memory, and the data that they read."""

from bootstrap_project.gotemplate import (
    RenderContext,
)

DOUBLING = "".join(
    f'{{{{define "t{i}"}}}}{{{{template "t{i + 1}" .}}}}{{{{template "t{i + 1}" .}}}}{{{{end}}}}' for i in range(30)
)
BOMBS = {
    "templates doubling 2^30 times": DOUBLING + '{{define "t30"}}x{{end}}{{template "t0" .}}',
    "templates doubling without output": DOUBLING + '{{define "t30"}}{{end}}{{template "t0" .}}',
    "ranges nested 1000^4": "{{range 1000}}" * 4 + "x" + "{{end}}" * 4,
    "ranges over lists nested 1000^4": "{{range $.Vars.thousand}}" * 4 + "{{end}}" * 4,
    "range over the largest integer": "{{range 9000000000000000000}}{{end}}",
    "recursion": '{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}',
    "recursion of the whole": '{{template "bootstrap" .}}',
    "width in a loop": '{{range 1000}}{{$x := printf "%999999d" 1}}{{end}}',
    "many widths in a format": '{{printf "' + "%999999d" * 900 + '" ' + "1 " * 900 + "}}",
    "width from an argument": '{{range 1000}}{{$x := printf "%*d" 999999 1}}{{end}}',
    "precision": '{{range 1000}}{{$x := printf "%.999999f" 1.5}}{{end}}',
    "chain of widths": '{{$x := "a"}}' + '{{$x = printf "%999999s%s" $x $x}}' * 50,
    "string doubling by print": '{{$x := "aaaaaaaaaa"}}' + "{{$x = print $x $x}}" * 60,
    "string doubling by printf": '{{$x := "aaaaaaaaaa"}}' + '{{$x = printf "%s%s" $x $x}}' * 60,
    "string growing in a loop": '{{$x := ""}}{{range 1000000}}{{$x = printf "%saaaaaaaaaaaaaaaaaaa" $x}}{{end}}',
    "big value in a loop": "{{range 100000}}{{$.Vars.big}}{{end}}",
    "big value many times": "{{.Vars.big}}" * 1000,
    "big value many times in one format": '{{printf "' + "%s" * 900 + '" ' + "$.Vars.big " * 900 + "}}",
    "big constant in a loop": "{{range 1000000}}" + "x" * 200_000 + "{{end}}",
    "comparing big values": "{{range 1000000}}{{$x := eq $.Vars.big $.Vars.other}}{{end}}",
    "slicing a big list": "{{range 1000000}}{{$x := slice $.Vars.long 1}}{{end}}",
    "slicing a big string": "{{range 1000000}}{{$x := slice $.Vars.big 1}}{{end}}",
    "index of a big string": "{{range 1000000}}{{$x := index $.Vars.wide 1}}{{end}}",
    "printing a big list": "{{range 1000000}}{{$.Vars.long}}{{end}}",
    "escaping": "{{range 1000000}}{{$x := js $.Vars.wide}}{{end}}",
    "quoting": '{{range 1000000}}{{$x := printf "%q" $.Vars.wide}}{{end}}',
    "hexadecimal": '{{range 1000000}}{{$x := printf "% x" $.Vars.wide}}{{end}}',
    "JSON": "{{range 1000000}}{{$x := toJSON $.Vars}}{{end}}",
    "a value nested deeply": "{{range 1000}}{{$.Vars.deep}}{{end}}",
    "1 MB of text": "x" * 1_000_000,
    "10,000 parentheses": "{{" + "(" * 10_000 + "1" + ")" * 10_000 + "}}",
    "10,000 blocks": "{{if true}}" * 10_000 + "{{end}}" * 10_000,
    "10,000 ranges": "{{range .}}" * 10_000 + "{{end}}" * 10_000,
    "100,000 else ifs": "{{if true}}" + "{{else if true}}" * 100_000 + "{{end}}",
    "thousands of else ifs": "{{if true}}" + "{{else if 1}}" * 1900 + "{{end}}",
    "a huge pipeline": "{{1" + "|print" * 100_000 + "}}",
    "a long pipeline": "{{1" + "|print" * 20_000 + "}}",
    "60,000 actions": "{{1}}" * 50_000,
    "a chain of 10,000 fields": "{{" + ".a" * 10_000 + "}}",
    "many missing values": "{{.Vars.gone}}" * 1900,
}


def nested(depth):
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


DATA = RenderContext.from_json(
    {
        "Vars": {
            "big": "x" * 500_000 + "a",
            "other": "x" * 500_000 + "b",
            "wide": "é" * 300_000,
            "long": list(range(50_000)),
            "thousand": list(range(1000)),
            "deep": nested(300),
        }
    }
)
