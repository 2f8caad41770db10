// Command openapi writes portal/openapi.json, the OpenAPI 3.0 document of the
// management API, from the comments of portal/. swag writes Swagger 2.0, which
// is lifted here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/swaggo/swag"
)

func main() {
	if err := run("portal/openapi.json"); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	document, err := Lift()
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(document, '\n'), 0o644)
}

// Lift reads the comments below the working directory and gives the document.
func Lift() ([]byte, error) {
	parser := swag.New(swag.ParseUsingGoList(true), swag.SetParseDependency(1))
	if err := parser.ParseAPIMultiSearchDir([]string{"portal", "auth", "auth/policy", "catalog", "catalog/spec", "catalog/rows", "agreement", "ledger"}, "api.go", 100); err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	text, err := json.Marshal(parser.GetSwagger())
	if err != nil {
		return nil, fmt.Errorf("write Swagger 2.0: %w", err)
	}
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, fmt.Errorf("read Swagger 2.0: %w", err)
	}
	lifted, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, fmt.Errorf("lift to OpenAPI 3.0: %w", err)
	}
	lifted.Servers = openapi3.Servers{{URL: "/api/v1"}}
	if err := lifted.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the document: %w", err)
	}
	return json.MarshalIndent(lifted, "", " ")
}
