package history

import "github.com/recto-edge/recto/node/doc"

// onDisk checks how many disks hold a document and its intake.
func (c *checker) onDisk(s Sent) {
	if len(c.final.Disks) == 0 {
		return
	}
	originals, arrivals := 0, 0
	for _, d := range c.final.Disks {
		intact, there := d.Originals[s.SHA256]
		if intact {
			originals++
		} else if there {
			c.say(Bytes, s.ID, d.Member, "the bytes on its disk are damaged")
		}
		if d.Arrivals[s.ID] > 0 {
			arrivals++
		}
	}
	if originals < c.final.Copies {
		c.say(Copies, s.ID, "", "its bytes are intact on %d disks, promised %d", originals, c.final.Copies)
	}
	if arrivals < c.final.Copies {
		c.say(Copies, s.ID, "", "its intake record is on %d disks, promised %d", arrivals, c.final.Copies)
	}
}

// archive checks that the disks together hold every revision of a document, from
// the first to the last that a member shows: it is what a lost log is made from.
func (c *checker) archive(s Sent) {
	if len(c.final.Disks) == 0 {
		return
	}
	last, have := uint64(0), map[uint64]bool{}
	for _, v := range c.views {
		for _, r := range v.Revisions[s.ID] {
			last = max(last, r.Revision)
		}
	}
	for _, d := range c.final.Disks {
		for n := range d.Records[s.ID] {
			last, have[n] = max(last, n), true
		}
	}
	var missing []uint64
	for n := uint64(1); n <= last; n++ {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		c.say(Archive, s.ID, "", "revisions %v of %d are on no disk", missing, last)
	}
}

// forks checks that the archives of all members hold one history of each document.
func (c *checker) forks() {
	digests := map[doc.ID]map[uint64]map[string]string{} // document, revision, digest: a member with it
	for _, d := range c.final.Disks {
		for id, revs := range d.Records {
			if _, ours := c.sent[id]; !ours {
				continue
			}
			if digests[id] == nil {
				digests[id] = map[uint64]map[string]string{}
			}
			for n, ds := range revs {
				if digests[id][n] == nil {
					digests[id][n] = map[string]string{}
				}
				for _, digest := range ds {
					digests[id][n][digest] = d.Member
				}
			}
		}
	}
	for id, revs := range digests {
		for n, ds := range revs {
			if len(ds) > 1 {
				c.say(Fork, id, "", "revision %d was archived with %d contents: %v", n, len(ds), ds)
			}
		}
	}
}
