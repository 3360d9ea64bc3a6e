package blob

import "context"

// RepairDue does at once what the background does with what is known to lack copies.
func (c *Copies) RepairDue(ctx context.Context) error { return c.repairDue(ctx) }
