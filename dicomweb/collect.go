package dicomweb

import (
	"context"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/store"
)

// otherPart is the rendition of an instance as a part, in the media type that was chosen for it.
type otherPart struct {
	made
	chosen offer
}

// collector finds what of a study or series is rendered.
type collector struct {
	server           *Server
	accepted         acceptance
	rendering        rendering
	base             string
	pictures, others bool // whether images, and whether others are wanted

	found   int // instances
	left    int // images among them that are wanted and cannot be decoded
	targets []target
}

// collect goes through the instances below ref, in their order.
func (c *collector) collect(ctx context.Context, ref dicom.Ref) error {
	for e, err := range c.server.store.Entries(ctx, ref) {
		if err != nil {
			return err
		}
		c.found++
		frames, notImage := targetsOf(e, nil)
		if notImage == nil {
			if c.pictures {
				c.targets = append(c.targets, frames...)
			}
			continue
		}
		taken, err := c.other(ctx, e)
		if err != nil {
			return err
		}
		if !taken && c.pictures && e.Layout.Pixel != nil {
			c.left++
		}
	}
	return nil
}

// other takes an instance that is no image, if the client accepts what it is rendered as.
func (c *collector) other(ctx context.Context, e *store.Entry) (taken bool, err error) {
	if !c.others {
		return false, nil
	}
	own, err := c.server.renditionOf(ctx, e)
	if own == nil || err != nil {
		return false, err
	}
	chosen, err := c.accepted.choose(multiparts(own.offers)...)
	if err != nil {
		return false, nil
	}
	m, err := own.make(c.rendering, c.base, chosen.mediaType)
	if err != nil {
		return false, nil // a parameter that is for the images, as a region of them
	}
	m, chosen = own.settleCharset(m, e, chosen)
	if chosen.charset != nil { // whether it can be written so has to be known before the status
		body, err := m.open(ctx)
		if err != nil {
			return false, err
		}
		body.Close()
	}
	c.targets = append(c.targets, target{entry: e, other: &otherPart{m, chosen}})
	return true, nil
}
