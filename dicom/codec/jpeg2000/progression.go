package jpeg2000

import (
	"cmp"
	"context"
	"slices"
)

// packetPlace says which packet of a layer comes: that of a precinct.
type packetPlace struct {
	component, resolution, precinct int
	x, y                            int // of the precinct on the reference grid
}

// volumes are the parts of the packets, each with the order in which they come (T.800 B.12.2).
func (p *parameters) volumes() []progressionChange {
	if p.changes != nil {
		return p.changes
	}
	return []progressionChange{{order: p.order, layers: p.layers, resolutions: 33, compsEnd: len(p.components)}}
}

// packets calls yield for the packets of a tile in their order (T.800 B.12.1) until it returns an error. Instead of walking
// over all positions of the reference grid it sorts the precincts by their positions, so that its time follows their number.
func (t *tile) packets(ctx context.Context, p *parameters, yield func(place packetPlace, layer int) error) error {
	for _, v := range p.volumes() {
		if err := ctx.Err(); err != nil {
			return err
		}
		places := t.places(v)
		for len(places) > 0 {
			n := v.order.together(places)
			for layer := range min(v.layers, p.layers) {
				for _, place := range places[:n] {
					if err := yield(place, layer); err != nil {
						return err
					}
				}
			}
			places = places[n:]
		}
	}
	return nil
}

// together returns how many of the places one layer comprises before the next layer begins.
func (o Progression) together(places []packetPlace) int {
	switch o {
	case LRCP:
		return len(places)
	case RLCP:
		n := slices.IndexFunc(places, func(p packetPlace) bool { return p.resolution != places[0].resolution })
		if n > 0 {
			return n
		}
		return len(places)
	}
	return 1
}

// places returns the precincts of a volume in its order, that of the layers aside.
func (t *tile) places(v progressionChange) []packetPlace {
	var places []packetPlace
	for c := v.component; c < min(v.compsEnd, len(t.components)); c++ {
		tc := &t.components[c]
		for r := v.resolution; r < min(v.resolutions, len(tc.resolutions)); r++ {
			for i := range tc.resolutions[r].precincts {
				x, y := t.position(tc, r, i)
				places = append(places, packetPlace{component: c, resolution: r, precinct: i, x: x, y: y})
			}
		}
	}
	slices.SortFunc(places, func(a, b packetPlace) int {
		position := cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
		component, resolution := cmp.Compare(a.component, b.component), cmp.Compare(a.resolution, b.resolution)
		precinct := cmp.Compare(a.precinct, b.precinct)
		switch v.order {
		case RPCL:
			return cmp.Or(resolution, position, component, precinct)
		case PCRL:
			return cmp.Or(position, component, resolution, precinct)
		case CPRL:
			return cmp.Or(component, position, resolution, precinct)
		}
		return cmp.Or(resolution, component, precinct)
	})
	return places
}

// position is where on the reference grid the loops of T.800 B.12.1.3 to B.12.1.5 meet a precinct: at its corner, or at the
// edge of the tile if that is inside the precinct.
func (t *tile) position(c *tileComponent, r, index int) (x, y int) {
	res, scale := &c.resolutions[r], c.levels-r
	x = (res.x0>>res.ppx + index%res.wide) << res.ppx << scale * c.dx
	y = (res.y0>>res.ppy + index/res.wide) << res.ppy << scale * c.dy
	return max(x, t.area.x0), max(y, t.area.y0)
}
