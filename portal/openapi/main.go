// Command openapi writes portal/openapi.json, the OpenAPI 3.0 document of the
// management API, from the comments of portal/. swag writes Swagger 2.0, which
// is lifted here.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"

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
	document, err := lift(".")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(document, '\n'), 0o644)
}

// rooms are the folders whose types the answers are made of.
var rooms = []string{"portal", "auth", "auth/policy", "catalog", "catalog/spec", "catalog/rows", "agreement", "ledger", "gateway"}

// lift reads the comments below root and gives the document.
func lift(root string) ([]byte, error) {
	parser := swag.New(swag.ParseUsingGoList(true), swag.SetParseDependency(1),
		swag.SetOverrides(map[string]string{"github.com/google/uuid.UUID": "string"}),
		swag.SetDebugger(log.New(io.Discard, "", 0)))
	var dirs []string
	for _, room := range rooms {
		dirs = append(dirs, root+"/"+room)
	}
	if err := parser.ParseAPIMultiSearchDir(dirs, "api.go", 100); err != nil {
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
	lifted.Info.Contact = nil // swag writes an empty one
	complete(lifted)
	if err := prune(lifted); err != nil {
		return nil, err
	}
	if err := lifted.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("check the document: %w", err)
	}
	return json.MarshalIndent(lifted, "", " ")
}

// complete adds what every operation has and no comment repeats: an id, and a
// problem as the answer to everything that goes wrong.
func complete(d *openapi3.T) {
	schema := problemSchema()
	d.Components.Schemas["Problem"] = openapi3.NewSchemaRef("", schema)
	body := openapi3.NewContentWithSchemaRef(openapi3.NewSchemaRef("#/components/schemas/Problem", schema), []string{"application/problem+json"})
	response := openapi3.NewResponse().WithDescription("What went wrong, and what to do (RFC 9457)").WithContent(body)
	d.Components.Responses = openapi3.ResponseBodies{"Problem": {Value: response}}
	tags := map[string]bool{}
	for path, item := range d.Paths.Map() {
		for method, operation := range item.Operations() {
			for _, tag := range operation.Tags {
				tags[tag] = true
			}
			operation.OperationID = operationID(method, path)
			operation.Responses.Set("default", &openapi3.ResponseRef{Ref: "#/components/responses/Problem", Value: response})
		}
	}
	d.Tags = nil
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		d.Tags = append(d.Tags, &openapi3.Tag{Name: tag})
	}
}

// prune drops the schemas that nothing refers to: of types that lie inside
// others, whose fields are written out there.
func prune(d *openapi3.T) error {
	for {
		text, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("write the document: %w", err)
		}
		before := len(d.Components.Schemas)
		maps.DeleteFunc(d.Components.Schemas, func(name string, _ *openapi3.SchemaRef) bool {
			return !bytes.Contains(text, []byte(`"#/components/schemas/`+name+`"`))
		})
		if len(d.Components.Schemas) == before {
			return nil
		}
	}
}

func problemSchema() *openapi3.Schema {
	field := openapi3.NewObjectSchema().WithProperties(map[string]*openapi3.Schema{
		"field": openapi3.NewStringSchema(), "code": openapi3.NewStringSchema(), "detail": openapi3.NewStringSchema(),
	})
	return openapi3.NewObjectSchema().WithProperties(map[string]*openapi3.Schema{
		"type": openapi3.NewStringSchema(), "title": openapi3.NewStringSchema(), "status": openapi3.NewIntegerSchema(),
		"detail": openapi3.NewStringSchema(), "code": openapi3.NewStringSchema(), "trace_id": openapi3.NewStringSchema(),
		"errors": openapi3.NewArraySchema().WithItems(field),
	}).WithRequired([]string{"type", "title", "status", "detail", "code"})
}

// operationID makes getVersionsIdOperations of GET /versions/{id}/operations.
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for _, word := range strings.FieldsFunc(path, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}
