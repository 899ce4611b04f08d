// Writes the annotations of the classes Tumor, Normal and Benign as GeoJSON, in a file named after the slide's own.
// QuPath 0.5 and later.

def names = ["Tumor", "Normal", "Benign"]
def rois = getAnnotationObjects().findAll { names.contains(it.getPathClass()?.toString()) }
if (rois.isEmpty()) {
    println "There is no annotation of the class ${names.join(', ')} on this slide."
    return
}
def slide = new File(getCurrentServer().getURIs()[0]).getName().replaceFirst(/\.[^.]+$/, "")
def folder = buildFilePath(PROJECT_BASE_DIR, "pantile-rois")
mkdirs(folder)
def file = buildFilePath(folder, slide + ".geojson")
exportObjectsToGeoJson(rois, file, "FEATURE_COLLECTION")
println "${rois.size()} ROIs written to ${file}"
