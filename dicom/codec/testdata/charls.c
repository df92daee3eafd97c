/* Decodes a JPEG-LS file so many times by CharLS, and prints the least processor time in microseconds. For the benchmarks only. */
#include <charls/charls.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
	FILE *f = fopen(argv[1], "rb");
	static unsigned char data[1 << 26];
	size_t n = fread(data, 1, sizeof data, f);
	double least = 1e30;
	void *out = NULL;
	for (int i = 0; i < atoi(argv[2]); i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		charls_jpegls_decoder *d = charls_jpegls_decoder_create();
		size_t size;
		if (charls_jpegls_decoder_set_source_buffer(d, data, n) || charls_jpegls_decoder_read_header(d) ||
		    charls_jpegls_decoder_get_destination_size(d, 0, &size))
			return 1;
		out = malloc(size);
		if (charls_jpegls_decoder_decode_to_buffer(d, out, size, 0))
			return 1;
		charls_jpegls_decoder_destroy(d);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		free(out);
		double t = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3;
		if (t < least)
			least = t;
	}
	printf("%f\n", least);
	return 0;
}
