package fields

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/extract/trust"
)

// Knowledge is what was learned about a document type. The zero value is the
// rules alone.
type Knowledge struct {
	Model  *Model
	Memory *Memory
	// Site moves the model's confidence to what this site's reviews say of it, for
	// vendors of which nothing was confirmed; SiteKnown the same for known vendors.
	// The zero values leave it as it is.
	Site, SiteKnown trust.Calibration
	// Accept is from which confidence on a field picked from words may be used
	// without a look, by field name; "" stands for all others. No entry: never.
	Accept map[string]float64
	// AcceptKnown is the same for values that memory of the vendor speaks for.
	AcceptKnown map[string]float64
}

// wordingOf gives what was learned of the labels of a field: by the model with its scorer, or else
// by the corrections of the site.
func (k Knowledge) wordingOf(field string) Wording {
	switch {
	case k.Model.scorer(field) != nil:
		return k.Model.Wording
	case k.Memory != nil:
		return k.Memory.Wording
	}
	return nil
}

// Key names the knowledge: other knowledge may answer the same page otherwise.
func (k Knowledge) Key() string {
	if k.Model == nil && k.Memory == nil && len(k.Accept)+len(k.AcceptKnown) == 0 {
		return ""
	}
	b, err := json.Marshal([]any{k.Accept, k.AcceptKnown, k.Site, k.SiteKnown})
	if err != nil {
		panic("fields: plain numbers do not marshal: " + err.Error())
	}
	h := sha256.New()
	h.Write(b)
	if k.Model != nil {
		h.Write([]byte(k.Model.Digest()))
	}
	if k.Memory != nil {
		h.Write([]byte(k.Memory.Key()))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// foundOnPage is the check that a value was found again on its page, letter by
// letter.
const foundOnPage = "found-on-page"

// fromVendor is the check that a value is what, or stands where, a person
// confirmed on another document of the vendor.
const fromVendor = "vendor"

// Accepts says whether f, picked from words, may be used without a look: it was
// chosen by the model whose confidence the threshold is for, is found again on
// its page, and no check contradicts it.
func (k Knowledge) Accepts(f doc.Field) bool {
	if k.Model == nil || f.Model != k.Model.Digest() || len(f.FailedChecks) > 0 || !slices.Contains(f.Checks, foundOnPage) {
		return false
	}
	accept := k.Accept
	if slices.Contains(f.Checks, fromVendor) {
		accept = k.AcceptKnown
	}
	from, ok := accept[f.Name]
	if !ok {
		from, ok = accept[""]
	}
	return ok && f.Confidence >= from
}

// atSite moves the model's confidences to what the reviews of this site say of them.
func (k Knowledge) atSite(fs []doc.Field) []doc.Field {
	for i := range fs {
		f, by := &fs[i], k.Site
		if slices.Contains(f.Checks, fromVendor) {
			by = k.SiteKnown
		}
		if k.Model == nil || f.Model != k.Model.Digest() || by.All.Samples == 0 {
			continue
		}
		f.Before = f.Confidence
		f.Confidence = Rounded(by.Confidence(f.Name, f.Confidence))
	}
	return fs
}

// Confidences gives the model's held-back predictions with calibrated
// confidences in the place of raw scores, each calibrated without its own
// group: what promises are made from. For strangers the group is the vendor, for
// known vendors the document. Empty where too little was held back.
func (m *Model) Confidences() (strangers, known []trust.Sample) {
	if m == nil {
		return nil, nil
	}
	return m.stranger.samples, m.known.samples
}

// Promises are what a model promises for a target: about vendors it never met, and
// about documents of vendors of which others were confirmed.
type Promises struct {
	Strangers trust.Promise `json:"strangers"`
	Known     trust.Promise `json:"known"`
}

// Promises derives the thresholds that hold a target from the model's held-back
// predictions. A model that held too little back promises nothing.
func (m *Model) Promises(t trust.Target) Promises {
	strangers, known := m.Confidences()
	documents := t
	documents.Unit = "documents"
	return Promises{trust.Promised(strangers, t), trust.Promised(known, documents)}
}

// Know is a model at work: what it promises for a target decides what is accepted.
func Know(m *Model, memory *Memory, t trust.Target) Knowledge {
	p := m.Promises(t)
	return Knowledge{Model: m, Memory: memory,
		Accept: map[string]float64{"": p.Strangers.Threshold}, AcceptKnown: map[string]float64{"": p.Known.Threshold}}
}

// Models names what was learned and has a part in answers.
func (k Knowledge) Models() []string {
	if k.Model == nil {
		return nil
	}
	return []string{k.Model.Digest()}
}
