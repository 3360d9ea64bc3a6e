package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3gen"

	"github.com/recto-edge/recto/node/auth"
	"github.com/recto-edge/recto/node/doc"
)

// pathParams are the parameters in paths, by name.
var pathParams = map[string]param{
	"id":     {about: "id of a document", schema: openapi3.NewStringSchema().WithPattern("^[0-9a-hj-km-np-tv-z]{26}$")},
	"n":      {about: "number of a page, 1 for the first", schema: openapi3.NewIntegerSchema().WithMin(1).WithMax(1_000_000)},
	"type":   {about: "name of a document type", schema: openapi3.NewStringSchema().WithPattern("^[a-z][a-z0-9_]{0,62}$")},
	"model":  {about: "a model: its digest, the first 8 or more of its hexadecimal digits, or shipped", schema: openapi3.NewStringSchema().WithPattern("^(shipped|([a-z0-9_-]+@sha256:)?[0-9a-f]{8,64})$")},
	"user":   {about: "name of a user", schema: openapi3.NewStringSchema().WithMaxLength(63)},
	"member": {about: "a member: its name or its id", schema: openapi3.NewStringSchema().WithMaxLength(63)},
	"key":    {about: "id of an API key", schema: openapi3.NewStringSchema().WithPattern("^[0-9a-z]{1,32}$")},
}

// describe makes the OpenAPI document from the route table. Requests are checked
// against the same document that is served.
func (s *Server) describe() error {
	t := &openapi3.T{
		OpenAPI: "3.0.3",
		Info: &openapi3.Info{
			Title: "Recto", Version: orDefault(s.cfg.Version, "dev"),
			Description: "Documents in, typed fields out. Every error is a Failure with a code of a closed set.",
		},
		Paths: openapi3.NewPaths(),
		Components: &openapi3.Components{
			Schemas: openapi3.Schemas{},
			SecuritySchemes: openapi3.SecuritySchemes{
				"key":     &openapi3.SecuritySchemeRef{Value: openapi3.NewSecurityScheme().WithType("http").WithScheme("bearer")},
				"session": &openapi3.SecuritySchemeRef{Value: openapi3.NewSecurityScheme().WithType("apiKey").WithIn("cookie").WithName("__Host-recto")},
			},
		},
	}
	g := generator{openapi3gen.NewGenerator(openapi3gen.SchemaCustomizer(customize)), t.Components.Schemas}
	for i := range s.table {
		r := &s.table[i]
		if r.page {
			continue
		}
		op, err := g.operation(r)
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		t.AddOperation(template(r.path), r.method, op)
	}
	raw, err := t.MarshalJSON()
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if s.spec, err = openapi3.NewLoader().LoadFromData(raw); err != nil { // resolves references
		return fmt.Errorf("load: %w", err)
	}
	if err := s.spec.Validate(context.Background()); err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	s.json = raw
	return nil
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// template is a Fiber path as OpenAPI writes it: :id becomes {id}.
func template(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, tail := paramName(p); name != "" {
			parts[i] = "{" + name + "}" + tail
		}
	}
	return strings.Join(parts, "/")
}

// paramName takes ":n.jpg" apart into "n" and ".jpg".
func paramName(segment string) (name, tail string) {
	rest, ok := strings.CutPrefix(segment, ":")
	if !ok {
		return "", ""
	}
	if i := strings.IndexByte(rest, '.'); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

type generator struct {
	gen     *openapi3gen.Generator
	schemas openapi3.Schemas
}

func (g generator) operation(r *route) (*openapi3.Operation, error) {
	op := openapi3.NewOperation()
	op.Summary = r.summary
	op.OperationID = strings.ToLower(r.method) + strings.NewReplacer(prefix, "", "/", "_", ":", "", ".", "_", "-", "_").Replace(r.path)
	op.Tags = []string{strings.SplitN(strings.TrimPrefix(strings.TrimPrefix(r.path, prefix), "/"), "/", 2)[0]}
	op.Description = "Needs: " + string(r.perm) + "."
	if r.perm != auth.Public {
		op.Security = openapi3.NewSecurityRequirements().
			With(openapi3.NewSecurityRequirement().Authenticate("key")).
			With(openapi3.NewSecurityRequirement().Authenticate("session"))
	}
	for _, p := range r.allParams() {
		op.AddParameter(&openapi3.Parameter{
			Name: p.name, In: p.in, Description: p.about, Schema: p.schema.NewRef(),
			Required: p.required || p.in == openapi3.ParameterInPath,
		})
	}
	if err := g.requestBody(op, r); err != nil {
		return nil, err
	}
	return op, g.answers(op, r)
}

// allParams gives the route's own parameters and those of its path.
func (r *route) allParams() []param {
	out := append([]param(nil), r.params...)
	for _, segment := range strings.Split(r.path, "/") {
		name, _ := paramName(segment)
		if name == "" || hasParam(out, name) {
			continue
		}
		p := pathParams[name]
		p.name, p.in = name, openapi3.ParameterInPath
		out = append(out, p)
	}
	return out
}

func hasParam(ps []param, name string) bool {
	for _, p := range ps {
		if p.name == name {
			return true
		}
	}
	return false
}

func (g generator) requestBody(op *openapi3.Operation, r *route) error {
	switch {
	case r.upload != "":
		media := openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema().WithFormat("binary"))
		if r.upload == multipartForm {
			media = openapi3.NewMediaType().WithSchema(openapi3.NewObjectSchema().
				WithProperty("type", openapi3.NewStringSchema()).
				WithProperty("priority", prioritySchema()).
				WithProperty("split", splitSchema()).
				WithProperty("file", openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema().WithFormat("binary"))))
		}
		body := openapi3.NewRequestBody().WithContent(openapi3.Content{r.upload: media}).WithRequired(true)
		op.RequestBody = &openapi3.RequestBodyRef{Value: body}
	case r.body != nil:
		schema, err := g.schema(r.body)
		if err != nil {
			return err
		}
		body := openapi3.NewRequestBody().WithJSONSchemaRef(schema).WithRequired(!r.noBody)
		op.RequestBody = &openapi3.RequestBodyRef{Value: body}
	}
	return nil
}

func (g generator) answers(op *openapi3.Operation, r *route) error {
	ok := openapi3.NewResponse().WithDescription("done")
	switch {
	case r.answer != nil:
		schema, err := g.schema(r.answer)
		if err != nil {
			return err
		}
		ok = ok.WithJSONSchemaRef(schema)
	case r.media != "":
		ok = ok.WithContent(openapi3.Content{r.media: openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema())})
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	bad, err := g.schema(Failure{})
	if err != nil {
		return err
	}
	op.Responses = openapi3.NewResponses(
		openapi3.WithStatus(status, &openapi3.ResponseRef{Value: ok}),
		openapi3.WithName("default", openapi3.NewResponse().WithDescription("an error").WithJSONSchemaRef(bad)),
	)
	if r.upload != "" {
		records, err := g.schema([]doc.Record{})
		if err != nil {
			return err
		}
		op.Responses.Set(strconv.Itoa(http.StatusOK), &openapi3.ResponseRef{
			Value: openapi3.NewResponse().WithDescription("with wait: the records, once settled").WithJSONSchemaRef(records),
		})
	}
	return nil
}

// schema gives the schema of a Go value, named types by reference.
func (g generator) schema(v any) (*openapi3.SchemaRef, error) {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Slice {
		item, err := g.schema(reflect.Zero(t.Elem()).Interface())
		if err != nil {
			return nil, err
		}
		array := openapi3.NewArraySchema()
		array.Items = item
		return array.NewRef(), nil
	}
	ref, err := g.gen.NewSchemaRefForValue(v, g.schemas)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	if t.Kind() != reflect.Struct {
		return ref, nil
	}
	if g.schemas[t.Name()] == nil {
		g.schemas[t.Name()] = openapi3.NewSchemaRef("", ref.Value)
	}
	return openapi3.NewSchemaRef("#/components/schemas/"+t.Name(), ref.Value), nil
}

// customize says what Go's types do not: closed sets, and that unknown fields
// are errors.
func customize(_ string, t reflect.Type, _ reflect.StructTag, schema *openapi3.Schema) error {
	switch t {
	case reflect.TypeFor[doc.State]():
		schema.Enum = enum(doc.States)
	case reflect.TypeFor[doc.Priority]():
		schema.Enum = enum(doc.Priorities)
	case reflect.TypeFor[doc.MemberState]():
		schema.Enum = enum(doc.MemberStates)
	case reflect.TypeFor[auth.Role]():
		schema.Enum = enum(auth.Roles)
	}
	if t.Kind() == reflect.Struct && schema.Type.Is(openapi3.TypeObject) {
		no := false
		schema.AdditionalProperties = openapi3.BoolSchema{Has: &no}
	}
	return nil
}

func enum[T ~string](values []T) []any {
	var out []any
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func splitSchema() *openapi3.Schema {
	return openapi3.NewStringSchema().WithEnum(string(doc.SplitNever))
}

func prioritySchema() *openapi3.Schema {
	return openapi3.NewStringSchema().WithEnum(enum(doc.Priorities)...)
}
