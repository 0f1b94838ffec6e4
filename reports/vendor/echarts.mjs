// What the report uses of Apache ECharts; the bundle's global is `echarts`.
import { LineChart, ScatterChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

use([LineChart, ScatterChart, AriaComponent, GridComponent, TooltipComponent, LabelLayout, SVGRenderer]);
export { init };
