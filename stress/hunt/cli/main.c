/* SPDX-License-Identifier: MIT */
/* bin/hakmem-hunt. */
#include "../hunt.h"

int main(int argc, char **argv) {
    return hunt_main(argc, argv);
}
