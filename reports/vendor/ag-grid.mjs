// What the report uses of AG Grid Community; the bundle's global is `agGrid`.
import {
  CellStyleModule, ClientSideRowModelModule, ColumnApiModule, createGrid, CsvExportModule, ExternalFilterModule, ModuleRegistry,
  QuickFilterModule, RowApiModule, themeQuartz,
} from "ag-grid-community";

ModuleRegistry.registerModules([
  CellStyleModule, ClientSideRowModelModule, ColumnApiModule, CsvExportModule, ExternalFilterModule, QuickFilterModule, RowApiModule,
]);
export { createGrid, themeQuartz };
