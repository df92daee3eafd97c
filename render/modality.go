package render

// modality is the Modality LUT transformation (PS3.3 C.11.1): stored values to those that windows are given in. Without one it is
// the identity.
func (a Attributes) modality(stored float64) float64 {
	switch {
	case a.ModalityLUT != nil:
		return a.ModalityLUT.at(stored)
	case a.Rescale != nil:
		return a.Rescale.Slope*stored + a.Rescale.Intercept
	}
	return stored
}
