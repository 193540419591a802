// Command oracle tells what Go's own text/template makes of a template: one JSON request a line on standard input, one
// answer a line on standard output, in the same order and without delay.
//
//	{"id", "template", "data"}                  {"id", "ok": true, "output"} or {"id", "ok": false, "stage", "error"}
//	{"id", "template", "data", "measure": SECS} {"id", "ok": true, "parse_ns", "exec_ns"}
//
// Output that is not UTF-8 also comes as base64 in "output_b64".
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"oracle/bootstrap"
)

type question struct {
	ID       string          `json:"id"`
	Template string          `json:"template"`
	Data     json.RawMessage `json:"data"`
	Measure  float64         `json:"measure"`
}

type reply map[string]any

func main() {
	// Endless recursion has to hit the limit of text/template, not that of the stack.
	debug.SetMaxStack(1 << 30)
	lines := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := answers.Encode(respond(line)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		if err != nil {
			return
		}
	}
}

func respond(line []byte) (answer reply) {
	var asked question
	stage := "input"
	refuse := func(why any) reply {
		return reply{"id": asked.ID, "ok": false, "stage": stage, "error": fmt.Sprint(why)}
	}
	defer func() {
		if why := recover(); why != nil {
			answer = refuse(why)
		}
	}()
	if err := json.Unmarshal(line, &asked); err != nil {
		return refuse(err)
	}
	dot, err := context(asked.Data)
	if err != nil {
		return refuse(err)
	}
	stage = "parse"
	parsed, err := parse(asked.Template)
	if err != nil {
		return refuse(err)
	}
	stage = "exec"
	var written bytes.Buffer
	if err := parsed.Execute(&written, dot); err != nil {
		return refuse(err)
	}
	if asked.Measure > 0 {
		return reply{
			"id": asked.ID, "ok": true,
			"parse_ns": mean(asked.Measure/2, func() { parse(asked.Template) }),
			"exec_ns":  mean(asked.Measure/2, func() { written.Reset(); parsed.Execute(&written, dot) }),
		}
	}
	answer = reply{"id": asked.ID, "ok": true, "output": written.String()}
	if !utf8.Valid(written.Bytes()) {
		// One replacement character for each bad byte, which is what a conversion to runes gives.
		answer["output"] = string([]rune(written.String()))
		answer["output_b64"] = base64.StdEncoding.EncodeToString(written.Bytes())
	}
	return answer
}

func parse(text string) (*template.Template, error) {
	return template.New("bootstrap").Funcs(functions).Option("missingkey=error").Parse(text)
}

var functions = template.FuncMap{
	"toJSON": func(value any) (string, error) {
		encoded, err := json.Marshal(value)
		return string(encoded), err
	},
	"default": func(fallback, value any) any {
		if value == nil || value == "" {
			return fallback
		}
		return value
	},
	"required": func(name string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("required value %q is not set", name)
		}
		return value, nil
	},
}

// mean repeats work for some seconds and returns how many nanoseconds one call took.
func mean(seconds float64, work func()) float64 {
	calls, started := 0, time.Now()
	for batch := 1; ; batch *= 2 {
		for range batch {
			work()
		}
		calls += batch
		if took := time.Since(started); took.Seconds() >= seconds {
			return float64(took.Nanoseconds()) / float64(calls)
		}
	}
}

// context decodes the data with the numbers that the data model has.
func context(data json.RawMessage) (dot bootstrap.RenderContext, err error) {
	if len(data) == 0 {
		return dot, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err = decoder.Decode(&dot); err != nil {
		return dot, err
	}
	settle(dot.Vars)
	for _, binding := range dot.Bindings {
		settle(binding.Snapshot)
		settle(binding.Secret)
	}
	return dot, nil
}

func settle(entries map[string]any) {
	for key, value := range entries {
		entries[key] = settled(value)
	}
}

// settled returns a decoded value with int where an int was written and float64 elsewhere, and lists without spare room.
func settled(value any) any {
	switch value := value.(type) {
	case map[string]any:
		settle(value)
	case []any:
		exact := make([]any, len(value))
		for i, item := range value {
			exact[i] = settled(item)
		}
		return exact
	case json.Number:
		if !strings.ContainsAny(string(value), ".eE") {
			if whole, err := strconv.Atoi(string(value)); err == nil {
				return whole
			}
		}
		float, err := value.Float64()
		if err != nil {
			panic(err)
		}
		return float
	}
	return value
}
