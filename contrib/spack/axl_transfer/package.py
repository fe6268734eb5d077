# A recipe for Spack: copy the folder axl_transfer to the packages/ of a repository of yours. The package is the
# tarball of `npm pack`; say where yours is: in a source mirror of Spack, or beside this file.
import os

from spack.package import *


class AxlTransfer(Package):
    """Asynchronous checkpoint-file transfers, published whole or not at all."""

    license("MIT")

    # The tarball holds compiled addons, so that it is the same for every target below.
    version("0.1.0", url="file://" + os.path.join(os.path.dirname(__file__), "axl-transfer-0.1.0.tgz"))

    depends_on("node-js@20.17:20,22.9:", type="run")

    conflicts("platform=darwin")
    conflicts("platform=windows")

    def install(self, spec, prefix):
        install_tree(".", prefix.lib.axl_transfer)
        mkdirp(prefix.bin)
        for program in ("axl-finalize", "axl-cp", "axl-verify"):
            target = join_path(prefix.lib.axl_transfer, "dist", "bin", program + ".js")
            symlink(target, join_path(prefix.bin, program))
        install_tree("man", prefix.share.man.man1)
