package jpeg2000

type htDecoder struct{}

func (d *blockDecoder) decodeHT(b *block, c *tileComponent, data []byte) error { return ErrUnsupported }

func nextHTSegment(b *block, passes int) (n int, begins bool, err error) {
	return 0, false, ErrUnsupported
}
