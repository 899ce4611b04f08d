// Puts a Tumor and a Normal rectangle of the study's size side by side onto the slide, to be moved into place.
// Rectangles that are there already stay. QuPath 0.5 and later.

import qupath.lib.objects.PathObjects
import qupath.lib.regions.ImagePlane
import qupath.lib.roi.ROIs

double widthUm = 3125, heightUm = 2500

def server = getCurrentServer()
def calibration = server.getPixelCalibration()
if (!calibration.hasPixelSizeMicrons()) {
    println "This slide has no pixel size. Set it under Image > Set pixel size, and run the script again."
    return
}
double width = Math.round(widthUm / calibration.getPixelWidthMicrons())
double height = Math.round(heightUm / calibration.getPixelHeightMicrons())

["Tumor", "Normal"].eachWithIndex { name, place ->
    if (getAnnotationObjects().any { it.getPathClass() == getPathClass(name) }) {
        println "There is a ${name} annotation already."
        return
    }
    double left = Math.max(0, server.getWidth() / 2 - width + place * width)
    double top = Math.max(0, server.getHeight() / 2 - height / 2)
    def roi = ROIs.createRectangleROI(left, top, width, height, ImagePlane.getDefaultPlane())
    addObject(PathObjects.createAnnotationObject(roi, getPathClass(name)))
}
fireHierarchyUpdate()
