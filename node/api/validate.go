package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/gofiber/fiber/v2"

	"github.com/recto-edge/recto/node/doc"
)

// validate checks parameters and JSON body against the OpenAPI document. What
// the document does not know is refused: a misspelt filter must not silently
// mean "all".
func (c *call) validate() error {
	path := c.s.spec.Paths.Value(template(c.route.path))
	if path == nil || c.route.page {
		return nil // pages are not described; they check their own input
	}
	op := path.GetOperation(c.route.method)
	if op == nil {
		return nil
	}
	values, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return doc.Errorf(doc.Invalid, "the query of the address is not encoded correctly")
	}
	if err := c.knownParams(values); err != nil {
		return err
	}
	in := &openapi3filter.RequestValidationInput{
		Request: &http.Request{
			Method: c.route.method, Header: http.Header{fiber.HeaderContentType: {c.Get(fiber.HeaderContentType)}},
			URL: &url.URL{Path: c.Path(), RawQuery: values.Encode()},
		},
		QueryParams: values,
		PathParams:  map[string]string{},
		Options:     &openapi3filter.Options{SkipSettingDefaults: true},
	}
	for _, name := range c.Ctx.Route().Params {
		if in.PathParams[name], err = c.param(name); err != nil {
			return err
		}
	}
	for _, p := range op.Parameters {
		if err := openapi3filter.ValidateParameter(c.ctx, in, p.Value); err != nil {
			return invalid("parameter "+p.Value.Name, err)
		}
	}
	if c.route.body == nil {
		return nil
	}
	return c.decode(in, op.RequestBody.Value)
}

func (c *call) knownParams(values url.Values) error {
	for name, v := range values {
		if !slices.ContainsFunc(c.route.params, func(p param) bool { return p.in == openapi3.ParameterInQuery && p.name == name }) {
			return doc.Errorf(doc.Invalid, "unknown parameter %q", name)
		}
		if len(v) > 1 {
			return doc.Errorf(doc.Invalid, "parameter %q is given more than once", name)
		}
	}
	return nil
}

// decode checks the JSON body and puts it into c.input.
func (c *call) decode(in *openapi3filter.RequestValidationInput, body *openapi3.RequestBody) error {
	c.input = reflect.New(reflect.TypeOf(c.route.body)).Interface()
	raw, err := c.in.small(bodyLimit)
	if err != nil {
		return err
	}
	if len(raw) == 0 && c.route.noBody {
		return nil
	}
	if media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err != nil || media != fiber.MIMEApplicationJSON {
		return doc.Errorf(doc.Invalid, "send the body as %s", fiber.MIMEApplicationJSON)
	}
	in.Request.Body = io.NopCloser(bytes.NewReader(raw))
	if err := openapi3filter.ValidateRequestBody(c.ctx, in, body); err != nil {
		return invalid("body", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c.input); err != nil {
		return doc.Errorf(doc.Invalid, "body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return doc.Errorf(doc.Invalid, "body: there is more after the JSON value")
	}
	return nil
}

// invalid says where a request breaks the description, without repeating what
// it holds: that may be a secret.
func invalid(where string, err error) error {
	var (
		schema *openapi3.SchemaError
		req    *openapi3filter.RequestError
		parse  *openapi3filter.ParseError
	)
	text := "does not have the form the API description asks for"
	switch {
	case errors.As(err, &schema):
		if at := schema.JSONPointer(); len(at) > 0 {
			where += " at /" + strings.Join(at, "/")
		}
		text = schema.Reason
	case errors.As(err, &parse):
		text = "cannot be read"
		if parse.Reason != "" {
			text = parse.Reason
		}
	case errors.As(err, &req) && req.Err != nil:
		text = req.Err.Error()
	}
	return &doc.Error{Code: doc.Invalid, Message: fmt.Sprintf("%s: %s", where, text), Err: err}
}

// values reads the body as a form without files, as pages send it without
// scripts.
func (c *call) values() (url.Values, error) {
	if media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err != nil || media != fiber.MIMEApplicationForm {
		return nil, doc.Errorf(doc.Invalid, "send the body as %s", fiber.MIMEApplicationForm)
	}
	raw, err := c.in.small(bodyLimit)
	if err != nil {
		return nil, err
	}
	v, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, doc.Errorf(doc.Invalid, "the form is not encoded correctly")
	}
	return v, nil
}
