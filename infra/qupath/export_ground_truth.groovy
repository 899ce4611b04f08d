// Writes a class map of each Tumor, Normal or Benign rectangle from the annotations within it, at 1 µm a pixel, and the
// legend that says what its indices mean. Classes that are drawn later lie above those drawn before. QuPath 0.5 and later.

import qupath.lib.images.servers.LabeledImageServer
import qupath.lib.regions.RegionRequest

double mapMpp = 1.0
int notAnnotated = 255
// What each class becomes: tumor, tumor_stroma, background, or ignored.
def targets = ["Tumor cells": "tumor", "Tumor stroma": "tumor_stroma", "Necrosis": "background", "Other": "background"]

def regions = ["Tumor", "Normal", "Benign"]
def imageData = getCurrentImageData()
double downsample = mapMpp / getCurrentServer().getPixelCalibration().getAveragedPixelSizeMicrons()

def builder = new LabeledImageServer.Builder(imageData)
    .backgroundLabel(notAnnotated)
    .downsample(downsample)
    .multichannelOutput(false)
targets.keySet().eachWithIndex { name, index -> builder.addLabel(name, index + 1) }
def labels = builder.build()

def slide = new File(getCurrentServer().getURIs()[0]).getName().replaceFirst(/\.[^.]+$/, "")
def folder = buildFilePath(PROJECT_BASE_DIR, "pantile-ground-truth")
mkdirs(folder)

getAnnotationObjects().findAll { regions.contains(it.getPathClass()?.toString()) }.eachWithIndex { region, index ->
    def request = RegionRequest.createInstance(labels.getPath(), downsample, region.getROI())
    def file = buildFilePath(folder, "${slide}_class_map_ground_truth_roi_${index + 1}.png")
    writeImageRegion(labels, request, file)
    println file
}

def legend = new StringBuilder("index,name,target\n")
targets.eachWithIndex { name, target, index -> legend << "${index + 1},${name},${target}\n" }
legend << "${notAnnotated},not annotated,ignored\n"
new File(buildFilePath(folder, "legend.csv")).text = legend.toString()
