package trust

import "fmt"

// Settle gives the promise a site works with: its own as soon as its reviewed
// documents prove one, the shipped one until then, and none when its documents
// refute the shipped one: when, with certainty 1-Delta, more than asked are wrong
// there. Samples of the site are never mixed with shipped ones, since a promise is
// about the vendors it was measured on. The site's scores are on the scale on which
// shipped was given: raw, or by the same calibration.
func Settle(shipped Promise, site []Sample, t Target) Promise {
	own := Promised(site, t)
	if own.Holds || !shipped.Holds || check(site) != nil {
		return own
	}
	t = t.defaults()
	here := reach(site, shipped.Threshold, t.Apart)
	if low := lowerShare(here.against, here.votes, t.Delta); low > 1-t.Precision {
		own.Why = fmt.Sprintf("Nothing is accepted: on this site's own documents %d of %d values that the shipped threshold accepts were wrong, which refutes its promise. %s", here.Wrong, here.Accepted, own.Why)
		return own
	}
	shipped.Missing = own.Missing
	shipped.Why = fmt.Sprintf("The shipped threshold applies until this site's own reviews suffice. On the documents it was set by: %s Here, %d of %d were wrong so far.", shipped.Why, here.Wrong, here.Accepted)
	return shipped
}

// reach gives what a threshold accepts of samples.
func reach(samples []Sample, threshold float64, apart bool) stair {
	out := stair{}
	for _, s := range descend(samples, apart) {
		if s.Threshold < threshold {
			break
		}
		out = s
	}
	return out
}
