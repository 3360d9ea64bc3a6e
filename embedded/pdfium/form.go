package pdfium

import (
	"context"
	"fmt"
)

// Field is a filled-in place of a form.
type Field struct {
	Name  string // full name, parts joined by dots
	Value string // text, chosen option, or "true" and "false" for a check box
	Page  int    // 0 for the first
	Box   Rect
}

// Kinds of form fields and annotations, as PDFium numbers them.
const (
	fieldCheckBox  = 2
	fieldRadio     = 3
	fieldSignature = 7
	annotWidget    = 20
	maxFields      = 5_000 // of a page
)

// forms makes PDFium's form environment, once per instance. Scripts never run:
// this build of PDFium has no interpreter.
func (d *Document) forms(ctx context.Context, in *instance) error {
	if d.formEnv != 0 {
		return nil
	}
	info, err := in.long(ctx, "FPDF_FORMFILLINFO_Create")
	if err != nil {
		return err
	}
	env, err := in.long(ctx, "FPDFDOC_InitFormFillEnvironment", uint64(d.doc), info)
	if err != nil {
		return err
	}
	if uint32(env) == 0 {
		return fmt.Errorf("%w: its form cannot be loaded", ErrFormat)
	}
	d.formEnv = uint32(env)
	if d.page != 0 {
		_, err = in.long(ctx, "FORM_OnAfterLoadPage", uint64(d.page), env)
	}
	return err
}

// Fields reads the form fields of page i (0 for the first) that have a name.
func (d *Document) Fields(ctx context.Context, i int) ([]Field, error) {
	if !d.form {
		return nil, nil
	}
	var all []Field
	err := d.do(ctx, func(in *instance) error {
		if err := d.open(ctx, in, i); err != nil {
			return err
		}
		if err := d.forms(ctx, in); err != nil {
			return err
		}
		g, err := d.geometry(in)
		if err != nil {
			return err
		}
		n, err := in.quick("FPDFPage_GetAnnotCount", uint64(d.page))
		if err != nil {
			return err
		}
		for k := range min(int(int32(n)), maxFields) {
			a, err := in.quick("FPDFPage_GetAnnot", uint64(d.page), uint64(k))
			if err != nil {
				return err
			}
			if uint32(a) == 0 {
				continue
			}
			f, ok, err := d.field(ctx, in, a)
			if err != nil {
				return err
			}
			if ok {
				f.Page, f.Box = i, g.rect(in.float32At(0), in.float32At(3), in.float32At(2), in.float32At(1))
				all = append(all, f)
			}
			if _, err = in.quick("FPDFPage_CloseAnnot", a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read form fields of page %d: %w", i+1, err)
	}
	return all, nil
}

// field reads one annotation; its rectangle is left in the scratch buffer.
func (d *Document) field(ctx context.Context, in *instance, annot uint64) (Field, bool, error) {
	var f Field
	if kind, err := in.quick("FPDFAnnot_GetSubtype", annot); err != nil || kind != annotWidget {
		return f, false, err
	}
	env := uint64(d.formEnv)
	kind, err := in.quick("FPDFAnnot_GetFormFieldType", env, annot)
	if err != nil || kind <= 1 || kind >= fieldSignature { // unknown, push button, signature, XFA
		return f, false, err
	}
	ask := func(name string) (string, error) {
		return in.utf16Text(ctx, maxName, func(buf, size uint64) (uint64, error) {
			return in.long(ctx, name, env, annot, buf, size)
		})
	}
	if f.Name, err = ask("FPDFAnnot_GetFormFieldName"); err != nil || f.Name == "" {
		return f, false, err
	}
	on := uint64(1)
	if kind == fieldCheckBox || kind == fieldRadio {
		if on, err = in.quick("FPDFAnnot_IsChecked", env, annot); err != nil {
			return f, false, err
		}
	}
	switch {
	case kind == fieldCheckBox:
		f.Value = fmt.Sprint(on != 0)
	case kind == fieldRadio && on == 0:
		return f, false, nil // the option that is chosen speaks for the field
	case kind == fieldRadio:
		f.Value, err = ask("FPDFAnnot_GetFormFieldExportValue")
	default:
		f.Value, err = ask("FPDFAnnot_GetFormFieldValue")
	}
	if err != nil {
		return f, false, err
	}
	_, err = in.quick("FPDFAnnot_GetRect", annot, in.out(0, 4))
	return f, true, err
}
