/* Decodes a JPEG 2000 codestream so many times by OpenJPEG on one thread, and prints the least processor time in microseconds. For the
 * benchmarks only. */
#include <openjpeg-2.5/openjpeg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
	double least = 1e30;
	for (int i = 0; i < atoi(argv[2]); i++) {
		struct timespec a, b;
		opj_dparameters_t parameters;
		opj_image_t *image = NULL;
		opj_stream_t *stream = opj_stream_create_default_file_stream(argv[1], OPJ_TRUE);
		opj_codec_t *codec = opj_create_decompress(OPJ_CODEC_J2K);
		opj_set_default_decoder_parameters(&parameters);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		if (!opj_setup_decoder(codec, &parameters) || !opj_read_header(stream, codec, &image) ||
		    !opj_decode(codec, stream, image) || !opj_end_decompress(codec, stream))
			return 1;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		opj_image_destroy(image);
		opj_destroy_codec(codec);
		opj_stream_destroy(stream);
		double t = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
		if (t < least)
			least = t;
	}
	printf("%f\n", least);
	return 0;
}
