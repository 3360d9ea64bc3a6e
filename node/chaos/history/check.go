package history

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Final is what is left of a run when everything is healed.
type Final struct {
	Views  []View // one a member
	Disks  []Disk // one a member; none: not looked at
	Copies int    // disks that must hold each original and a record of its intake
	// Before are documents of earlier runs in the same cluster.
	Before map[doc.ID]bool
}

// Check names every broken promise, in a fixed order.
func Check(h History, f Final) []Violation {
	c := checker{sent: h.Documents(), final: f}
	c.answers(h)
	c.askable()
	for _, v := range c.views {
		c.list(v)
	}
	c.lists()
	for _, s := range c.acked() {
		if c.gone(s) {
			c.say(Lost, s.ID, "", "acknowledged at %s; none of %d members that answer and no disk has it", s.First.Format("15:04:05.000"), len(c.views))
			continue
		}
		for _, v := range c.views {
			c.shown(s, v)
		}
		c.onDisk(s)
		c.archive(s)
	}
	c.forks()
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Member, b.Member))
	})
	return c.found
}

type checker struct {
	sent  map[doc.ID]Sent
	final Final
	views []View // of members that answered
	found []Violation
}

// askable names each member that could not be asked, once: it says nothing about
// any document.
func (c *checker) askable() {
	for _, v := range c.final.Views {
		if v.Away == "" {
			c.views = append(c.views, v)
			continue
		}
		c.say(Refused, "", v.Member, "%s could not be asked: %s", v.Member, v.Away)
	}
}

// gone says that nothing shows that a document was ever there: no list, history or
// bytes of a member that answers, and no file.
func (c *checker) gone(s Sent) bool {
	asked := len(c.final.Disks) > 0
	for _, v := range c.views {
		asked = true
		if listed(v, s.ID) || len(v.Revisions[s.ID]) > 0 || v.Originals[s.ID] == s.SHA256 {
			return false
		}
	}
	for _, d := range c.final.Disks {
		if d.Originals[s.SHA256] {
			return false
		}
	}
	return asked
}

func listed(v View, id doc.ID) bool {
	return slices.ContainsFunc(v.Documents, func(d doc.Summary) bool { return d.ID == id })
}

func (c *checker) say(k Kind, id doc.ID, member, format string, args ...any) {
	c.found = append(c.found, Violation{Kind: k, ID: id, Name: c.sent[id].Name, Member: member, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) acked() []Sent {
	var out []Sent
	for _, s := range c.sent {
		if s.Acked > 0 {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b Sent) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// answers checks that each receipt is of what was sent.
func (c *checker) answers(h History) {
	for _, op := range h.Ops {
		id, err := doc.IDFromHex(op.SHA256)
		switch {
		case err != nil:
			c.say(Answered, "", op.Member, "%s was recorded without a digest: %v", op.Name, err)
		case op.Acked && (op.ID != id || op.Answer != op.SHA256):
			c.say(Answered, id, op.Member, "the receipt names %s with digest %.12s", op.ID, op.Answer)
		}
	}
}

// list checks one member's list for what is there twice or was sent by nobody.
func (c *checker) list(v View) {
	seen := map[doc.ID]int{}
	names := map[string]doc.ID{}
	for _, d := range v.Documents {
		seen[d.ID]++
		_, ours := c.sent[d.ID]
		if !ours && !c.final.Before[d.ID] {
			c.say(Stranger, d.ID, v.Member, "%q is listed and nobody sent it", d.Name)
		}
		if other, ok := names[d.Name]; ok && other != d.ID && ours {
			c.say(Doubled, d.ID, v.Member, "%q is listed as %s too", d.Name, other)
		}
		names[d.Name] = d.ID
	}
	for id, n := range seen {
		if n > 1 {
			c.say(Doubled, id, v.Member, "it is listed %d times", n)
		}
	}
}

// lists checks that all members list the same documents in the same state.
func (c *checker) lists() {
	if len(c.views) == 0 {
		return
	}
	first := c.views[0]
	want := rows(first)
	for _, v := range c.views[1:] {
		got := rows(v)
		for id, w := range want {
			if g, ok := got[id]; !ok {
				c.say(Lists, id, v.Member, "member %s lists it, this one does not", first.Member)
			} else if g != w {
				c.say(Lists, id, v.Member, "member %s lists %s, this one %s", first.Member, w, g)
			}
		}
		for id := range got {
			if _, ok := want[id]; !ok {
				c.say(Lists, id, v.Member, "member %s does not list it, this one does", first.Member)
			}
		}
	}
}

func rows(v View) map[doc.ID]string {
	out := map[doc.ID]string{}
	for _, d := range v.Documents {
		out[d.ID] = fmt.Sprintf("revision %d %s %s", d.Revision, d.State, d.Name)
	}
	return out
}

// shown checks what one member shows of an acknowledged document.
func (c *checker) shown(s Sent, v View) {
	if !listed(v, s.ID) {
		c.say(Hidden, s.ID, v.Member, "acknowledged at %s and not listed", s.First.Format("15:04:05.000"))
		return
	}
	if why, ok := v.Problems[s.ID]; ok {
		c.say(Hidden, s.ID, v.Member, "%s", why)
		return
	}
	c.chain(s, v.Member, v.Revisions[s.ID])
	if got := v.Originals[s.ID]; got != s.SHA256 {
		c.say(Bytes, s.ID, v.Member, "sent %.12s, given out %.12s", s.SHA256, cmp.Or(got, "nothing"))
	}
}

// chain checks the revisions of a document that was only sent: it is read once.
func (c *checker) chain(s Sent, member string, revs []doc.Record) {
	if len(revs) == 0 {
		c.say(Hidden, s.ID, member, "it has no revision")
		return
	}
	results := 0
	for i, r := range revs {
		switch {
		case i == 0 && r.Revision != 1, i > 0 && r.Revision > revs[i-1].Revision+1:
			c.say(Gap, s.ID, member, "revision %d follows %d", r.Revision, before(revs, i))
		case i > 0 && r.Revision == revs[i-1].Revision:
			c.say(Fork, s.ID, member, "revision %d is there twice: %s by %s and %s by %s", r.Revision, revs[i-1].State, revs[i-1].By, r.State, r.By)
		case i > 0 && !doc.CanMove(revs[i-1].State, r.State):
			c.say(Gap, s.ID, member, "%s became %s", revs[i-1].State, r.State)
		}
		if r.ID != s.ID || r.SHA256 != s.SHA256 {
			c.say(Bytes, s.ID, member, "revision %d is of %s", r.Revision, r.ID)
		}
		if read(r) {
			results++
		}
	}
	last := revs[len(revs)-1]
	switch {
	case !last.State.Settled():
		c.say(Unsettled, s.ID, member, "it stays %s", last.State)
	case !read(last):
		why := ""
		if last.Reason != nil {
			why = last.Reason.Message
		}
		c.say(Unread, s.ID, member, "it is %s: %s", last.State, why)
	}
	if results > 1 {
		c.say(Twice, s.ID, member, "it has %d results in %d revisions", results, len(revs))
	}
}

func before(revs []doc.Record, i int) uint64 {
	if i == 0 {
		return 0
	}
	return revs[i-1].Revision
}

// read says whether r is a revision with which reading ended.
func read(r doc.Record) bool {
	return r.Result != nil && (r.State == doc.StateDone || r.State == doc.StateReview)
}
