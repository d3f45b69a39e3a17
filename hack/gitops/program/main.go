// judge tells how GitOps tools see objects: the kstatus library (Flux, Helm), Flux's CEL health
// checks, and an Argo CD health script in the Lua machine that Argo CD uses, with its limits.
//
//	judge HEALTH.LUA EXPRESSIONS.JSON < OBJECTS.JSON > VERDICTS.JSON
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	luajson "layeh.com/gopher-json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Kstatus string `json:"kstatus"`
	Flux    string `json:"flux"`
	Argo    string `json:"argo"`
	Message string `json:"message"`
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(script, expressions string) error {
	code, err := os.ReadFile(script)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(expressions)
	if err != nil {
		return err
	}
	var checks []kustomize.CustomHealthCheck
	if err := json.Unmarshal(raw, &checks); err != nil {
		return err
	}
	flux, err := cel.NewStatusEvaluator(&checks[0].HealthCheckExpressions)
	if err != nil {
		return err
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var objects []any
	// As an API client reads: whole numbers stay whole.
	if err := kubejson.Unmarshal(input, &objects); err != nil {
		return err
	}
	found := make([]verdict, 0, len(objects))
	for _, object := range objects {
		held := &unstructured.Unstructured{Object: object.(map[string]any)}
		result, err := status.Compute(held)
		if err != nil {
			return err
		}
		said, err := flux.Evaluate(context.Background(), held)
		if err != nil {
			return err
		}
		argo, message, err := health(string(code), held)
		if err != nil {
			return err
		}
		found = append(found, verdict{string(result.Status), string(said.Status), argo, message})
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// health runs the script as Argo CD does without useOpenLibs: load, base and table alone, one second.
func health(code string, object *unstructured.Unstructured) (string, string, error) {
	machine := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer machine.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	} {
		if err := machine.CallByParam(lua.P{Fn: machine.NewFunction(library.open), Protect: true},
			lua.LString(library.name)); err != nil {
			return "", "", err
		}
	}
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	machine.SetContext(limit)
	raw, err := object.MarshalJSON()
	if err != nil {
		return "", "", err
	}
	value, err := luajson.Decode(machine, raw)
	if err != nil {
		return "", "", err
	}
	machine.SetGlobal("obj", value)
	if err := machine.DoString(code); err != nil {
		return "", "", err
	}
	answer, ok := machine.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", errors.New("the script returned no table")
	}
	return lua.LVAsString(answer.RawGetString("status")),
		lua.LVAsString(answer.RawGetString("message")), nil
}
